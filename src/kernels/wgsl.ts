/** The one door for shader text: every file of shaders/, bundled as it lies. */
const files = import.meta.glob<string>('../../shaders/*.wgsl', { query: '?raw', import: 'default', eager: true });

/** Names of all shaders: the stems of their files. */
export const shaderNames: readonly string[] = Object.keys(files).map(stemOf).sort();

/** The WGSL text of `shaders/<name>.wgsl`. */
export function shaderText(name: string): string {
  const text = files[`../../shaders/${name}.wgsl`];
  if (text === undefined) throw new Error(`there is no shaders/${name}.wgsl`);
  return text;
}

function stemOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1, -'.wgsl'.length);
}
