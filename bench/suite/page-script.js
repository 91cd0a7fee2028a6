// @ts-check
/* The page's own script: draws the charts, lets the legend hide, tells of points, sorts tables. */

{
  const told = /** @type {HTMLElement} */ (document.getElementById('told'));

  /** Vega's tooltip handler. `value` is what the chart tells of a point, by title; text stays text. */
  function tell(_handler, event, _item, value) {
    told.hidden = !value;
    if (!value) return;
    told.replaceChildren(
      ...Object.entries(value).flatMap(([title, text]) => {
        const name = document.createElement('span');
        name.textContent = title;
        const said = document.createElement('div');
        said.textContent = text;
        return [name, said];
      }),
    );
    const left = Math.min(event.clientX + 14, window.innerWidth - told.offsetWidth - 8);
    const below = event.clientY + 14;
    const fits = below + told.offsetHeight < window.innerHeight;
    told.style.left = `${Math.max(8, left)}px`;
    told.style.top = `${fits ? below : event.clientY - told.offsetHeight - 10}px`;
  }

  function draw(figure) {
    const spec = JSON.parse(figure.querySelector('script').textContent);
    const container = figure.querySelector('.chart');
    const view = new vega.View(vega.parse(spec), { renderer: 'svg', container, hover: true, tooltip: tell });
    view.runAsync();
    return view;
  }

  /** What switches are off is hidden in the charts and the table of the section. */
  function connectLegend(section, views) {
    const switches = [...section.querySelectorAll('.legend button')];
    const update = () => {
      const hidden = switches.filter((one) => one.ariaPressed === 'false').map((one) => one.dataset.hides);
      for (const view of views) view.signal('hidden', hidden).runAsync();
      for (const { dataset, style } of section.querySelectorAll('tbody tr'))
        style.display = hidden.includes(`contender ${dataset.contender}`) || hidden.includes(`kind ${dataset.kind}`) ? 'none' : '';
    };
    for (const one of switches) {
      one.addEventListener('click', () => {
        one.ariaPressed = one.ariaPressed === 'true' ? 'false' : 'true';
        update();
      });
    }
  }

  /** Numbers by size, text as people order it; what was not measured comes last either way. */
  function sortBy(table, heading) {
    const ascending = heading.ariaSort !== 'ascending';
    const column = [...heading.parentElement.children].indexOf(heading);
    const numbers = heading.classList.contains('number');
    const cellValue = (row) => row.children[column].dataset.value;
    const compare = (a, b) => (numbers ? Number(a) - Number(b) : a.localeCompare(b, 'en', { numeric: true }));
    const rows = [...table.tBodies[0].rows].sort((one, other) => {
      const [a, b] = [cellValue(one), cellValue(other)];
      if (a === '' || b === '') return Number(a === '') - Number(b === '');
      return ascending ? compare(a, b) : compare(b, a);
    });
    for (const other of heading.parentElement.children) other.removeAttribute('aria-sort');
    heading.ariaSort = ascending ? 'ascending' : 'descending';
    table.tBodies[0].append(...rows);
  }

  for (const section of document.querySelectorAll('section')) connectLegend(section, [...section.querySelectorAll('figure')].map(draw));
  for (const table of document.querySelectorAll('table'))
    for (const heading of table.tHead.querySelectorAll('th'))
      heading.firstElementChild.addEventListener('click', () => sortBy(table, heading));
}
