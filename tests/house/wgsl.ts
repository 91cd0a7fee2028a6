/** Takes apart the few declarations of a shader that its description in TypeScript repeats. */

interface ShaderBinding {
  readonly group: number;
  readonly binding: number;
  readonly space: string;
  readonly name: string;
  readonly type: string;
}

export interface ShaderFace {
  readonly bindings: readonly ShaderBinding[];
  readonly params: readonly { readonly name: string; readonly type: string }[];
  readonly overrides: readonly string[];
}

export function shaderFace(text: string): ShaderFace {
  const code = text.replace(/\/\/[^\n]*/g, '').replace(/\/\*[\s\S]*?\*\//g, '');
  const bindings = [...code.matchAll(/@group\((\d+)\)\s*@binding\((\d+)\)\s*var<([^>]*)>\s*(\w+)\s*:\s*([^;]+);/g)].map((match) => ({
    group: Number(match[1]),
    binding: Number(match[2]),
    space: match[3]!.replace(/\s/g, ''),
    name: match[4]!,
    type: match[5]!.replace(/\s/g, ''),
  }));
  const fields = /struct\s+Params\s*\{([^}]*)\}/.exec(code)?.[1] ?? '';
  const params = [...fields.matchAll(/(\w+)\s*:\s*([\w<>]+)/g)].map((match) => ({ name: match[1]!, type: match[2]! }));
  const overrides = [...code.matchAll(/\boverride\s+(\w+)/g)].map((match) => match[1]!);
  return { bindings, params, overrides };
}

/** The functions of a shader by name, each with its parameters and what it returns. */
export function functionsOf(text: string): Map<string, string> {
  return new Map([...text.matchAll(/^fn (\w+)(\([^{]*)\{/gm)].map((match) => [match[1]!, match[2]!]));
}

/** What an array of each dtype may hold in WGSL; f64 has no form there. */
export const ELEMENTS: Readonly<Record<string, RegExp>> = {
  f32: /^array<(f32|vec[24]f|vec[24]<f32>)>$/,
  i32: /^array<(i32|vec[24]i|vec[24]<i32>|atomic<i32>)>$/,
  u32: /^array<(u32|vec[24]u|vec[24]<u32>|atomic<u32>)>$/,
  i8: /^array<(u32|vec[24]u|vec[24]<u32>)>$/,
};

/** The parameters of an AssemblyScript export, in order; undefined where there is no such export. */
export function assemblyParameters(text: string, name: string): { name: string; type: string }[] | undefined {
  const list = new RegExp(`^export function ${name}\\(([^)]*)\\)\\s*:\\s*void`, 'm').exec(text)?.[1];
  return (list && [...list.matchAll(/(\w+)\s*:\s*(\w+)/g)].map((match) => ({ name: match[1]!, type: match[2]! }))) || undefined;
}
