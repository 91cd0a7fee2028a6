/** Reads the source tree as the walls see it: files, and what each one imports. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix, resolve } from 'node:path';
import { parseSync } from 'vite';

export const root = resolve(import.meta.dirname, '../..');

export interface Import {
  /** A path from the repository's root for files of ours ('src/util/math.ts'), else the specifier as written. */
  readonly to: string;
  /** `import type`, `export type`, or a type of the form `import('…').T`: gone at run time. */
  readonly type: boolean;
  /** `import('…')` */
  readonly dynamic: boolean;
}

export interface SourceFile {
  /** From the repository's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

/** Paths of all files under `folder`, from the repository's root; none where it does not exist. */
export function filesIn(folder: string, ending = ''): string[] {
  const at = join(root, folder);
  if (!existsSync(at)) return [];
  return readdirSync(at, { recursive: true, encoding: 'utf8' })
    .map((name) => posix.join(folder, name.replaceAll('\\', '/')))
    .filter((path) => path.endsWith(ending) && /\.\w+$/.test(path) && !path.includes('node_modules/'))
    .sort();
}

export function textOf(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

export function readSources(folder: string): SourceFile[] {
  return filesIn(folder, '.ts').map((path) => sourceFile(path, textOf(path)));
}

export function sourceFile(path: string, text: string): SourceFile {
  // AssemblyScript puts decorators on functions, which no TypeScript parser takes; its imports are plain and static.
  const found = path.includes('/assembly/') ? assemblyImports(text) : parsedImports(path, text);
  return { path, text, imports: found.map((one) => ({ ...one, to: resolveImport(path, one.to) })) };
}

function resolveImport(from: string, specifier: string): string {
  if (!specifier.startsWith('.')) return specifier;
  const path = posix.join(posix.dirname(from), specifier.replace(/\?.*$/, ''));
  return from.includes('/assembly/') && !path.endsWith('.ts') ? `${path}.ts` : path;
}

function assemblyImports(text: string): Import[] {
  return [...text.matchAll(/^(?:import|export)\b[^'";]*?\bfrom\s*['"]([^'"]+)['"]/gm)].map((match) => ({
    to: match[1]!,
    type: false,
    dynamic: false,
  }));
}

type Node = { readonly type: string; readonly [key: string]: unknown };

function parsedImports(path: string, text: string): Import[] {
  const { program, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]!.message}`);
  const found: Import[] = [];
  walk(program as unknown as Node, (node) => {
    const one = importOf(node);
    if (one) found.push(one);
  });
  return found;
}

function importOf(node: Node): Import | undefined {
  const to = ((node.source ?? node.argument) as Node | undefined)?.value;
  if (typeof to !== 'string') return undefined;
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
      return { to, type: isTypeOnly(node), dynamic: false };
    case 'ImportExpression':
      return { to, type: false, dynamic: true };
    case 'TSImportType':
      return { to, type: true, dynamic: false };
    default:
      return undefined;
  }
}

/** `import type …`, or every name of `import { type A, type B }` marked. */
function isTypeOnly(node: Node): boolean {
  if (node.importKind === 'type' || node.exportKind === 'type') return true;
  const names = (node.specifiers ?? []) as Node[];
  return names.length > 0 && names.every((name) => name.importKind === 'type' || name.exportKind === 'type');
}

function walk(node: Node, visit: (node: Node) => void): void {
  visit(node);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (child && typeof child === 'object' && typeof child.type === 'string') walk(child as Node, visit);
    }
  }
}
