import { type Found, type Kind, search } from './search.ts';

/** The search in a worker of the page's own. */
function searchInWorker(prefer: Kind): Promise<Found> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = reject;
    worker.postMessage(prefer);
  });
}

Object.assign(globalThis, { consumer: { search, searchInWorker } });
