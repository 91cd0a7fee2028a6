/** The one door for shader text: every file of shaders/, bundled as it lies. */
const files = import.meta.glob<string>('../../shaders/**/*.wgsl', { query: '?raw', import: 'default', eager: true });

/** `graph-beam`, and `subgroups/graph-beam` for what devices with that feature do otherwise. */
const stems = Object.keys(files)
  .map((path) => /shaders\/(.*)\.wgsl$/.exec(path)![1]!)
  .sort();

/** Names of all shaders: the stems of the files that are whole programs. */
export const shaderNames: readonly string[] = stems.filter((stem) => !stem.includes('/'));

/** The WebGPU features that a shader has faster functions for, each in `shaders/<feature>/<name>.wgsl`. */
export function featuresOf(name: string): string[] {
  return stems.filter((stem) => stem.endsWith(`/${name}`)).map((stem) => stem.slice(0, stem.indexOf('/')));
}

/** The WGSL text of `shaders/<name>.wgsl`, with a feature's functions in the place of those of the same names. */
export function shaderText(name: string, feature?: string): string {
  const text = fileText(name);
  return feature === undefined ? text : withFunctions(text, fileText(`${feature}/${name}`));
}

function fileText(stem: string): string {
  const text = files[`../../shaders/${stem}.wgsl`];
  if (text === undefined) throw new Error(`there is no shaders/${stem}.wgsl`);
  return text;
}

/** `faster` comes first, for it begins with the extensions that it enables. A function ends at the first brace that begins a line. */
function withFunctions(text: string, faster: string): string {
  const names = [...faster.matchAll(/^fn (\w+)\(/gm)].map((match) => match[1]!);
  const rest = names.reduce((left, name) => left.replace(new RegExp(`^(@.*\\n)*fn ${name}\\([^]*?\\n\\}\\n`, 'm'), ''), text);
  return `${faster}\n${rest}`;
}
