import { NONE } from '../../src/kernels/graph.ts';
import { GROUP_HEAD, GROUP_PHASES, GROUP_WORDS, graphGroup } from '../../src/kernels/graph-group.ts';
import type { TypedArray } from '../../src/kernels/kernel.ts';
import { randomFrom } from '../contract/data.ts';
import { kernelContract } from '../contract/kernel.ts';

interface GroupShape {
  readonly nodes: number;
  readonly most: number;
  readonly n: number;
  /** Share of edges that lead anywhere. */
  readonly share: number;
}

const SHAPES: readonly GroupShape[] = [
  { nodes: 1, most: 1, n: 1, share: 1 },
  { nodes: 1, most: 4, n: 9, share: 0 },
  { nodes: 40, most: 8, n: 2000, share: 0.9 },
  { nodes: 300, most: 5, n: 40, share: 0.7 },
  // All choose the same one.
  { nodes: 700, most: 1, n: 1, share: 1 },
  { nodes: 900, most: 32, n: 5000, share: 0.8 },
];

/** What a phase is given: what the twin made of made-up edges in those before. */
function groupCase({ nodes: m, most, n, share }: GroupShape, phase: number, offset: number) {
  const random = randomFrom(offset);
  const edges = new Uint32Array(2 * m * most);
  for (let i = 0; i < m; i++) {
    const targets = [...new Set(Array.from({ length: most }, () => random.int(0, n - 1)))];
    for (let j = 0; j < most; j++) {
      const target = random() < share ? (targets[j] ?? NONE) : NONE;
      edges.set([target, random.int(0, 2 ** 31)], 2 * (i * most + j));
    }
  }
  const arrays = {
    ...{ edges, nodes: Uint32Array.from({ length: m }, (_, i) => n + 3 * i), sizes: new Uint32Array(n) },
    ...{ groups: new Uint32Array(GROUP_HEAD + GROUP_WORDS * m * most), lists: new Uint32Array(2 * m * most).fill(999) },
  };
  const params = (before: number) => ({ edges: m * most, most, phase: before });
  for (let before = 0; before < phase; before++) graphGroup.twin(arrays, params(before));
  return { name: JSON.stringify({ nodes: m, most, n, share, phase }), params: params(phase), arrays };
}

type Outputs = Record<string, TypedArray>;

function groupsOf({ groups }: Outputs) {
  return Array.from({ length: groups![0]! }, (_, i) => {
    const [target, begin, size, filled] = groups!.subarray(GROUP_HEAD + GROUP_WORDS * i, GROUP_HEAD + GROUP_WORDS * (i + 1));
    return { target: target!, begin: begin!, size: size!, filled: filled! };
  });
}

/** What the order of groups, and of those in one, says nothing about. */
const WITHOUT_ORDER: Record<keyof typeof GROUP_PHASES, (outputs: Outputs) => Outputs> = {
  count: (outputs) => ({ sizes: outputs.sizes!, targets: Uint32Array.from(groupsOf(outputs).map(({ target }) => target)).sort() }),
  place: (outputs) => {
    const groups = groupsOf(outputs);
    const end = [...groups].sort((a, b) => a.begin - b.begin).reduce((at, { begin, size }) => (begin === at ? at + size : -1), 0);
    groups.sort((a, b) => a.target - b.target);
    return {
      head: outputs.groups!.slice(0, GROUP_HEAD),
      withoutGaps: Uint32Array.of(end),
      groups: Uint32Array.from(groups.flatMap(({ target, size, filled }) => [target, size, filled])),
      found: Uint32Array.from(groups.map(({ target }) => outputs.groups![GROUP_HEAD + GROUP_WORDS * outputs.sizes![target]!]!)),
    };
  },
  fill: ({ sizes, groups, lists }) => {
    const members = groupsOf({ groups: groups! }).flatMap(({ begin, size }) =>
      Array.from({ length: size }, (_, i): [number, number] => [lists![2 * begin + size + i]!, lists![2 * begin + i]!])
        .sort((a, b) => a[0] - b[0] || a[1] - b[1])
        .flat(),
    );
    return { sizes: sizes!, groups: groups!, lists: Uint32Array.from(members) };
  },
  clear: (outputs) => outputs,
};

for (const [name, phase] of Object.entries(GROUP_PHASES)) {
  kernelContract(
    graphGroup,
    SHAPES.map((shape, at) => groupCase(shape, phase, 40_000 + 10 * at)),
    WITHOUT_ORDER[name as keyof typeof GROUP_PHASES],
  );
}
