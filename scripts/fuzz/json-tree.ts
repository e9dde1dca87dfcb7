/**
 * @file JSON as text can hold it, which is more than a value can: the same key twice, 1e400, and what is no JSON at all.
 */

export type JsonNode = Leaf | ListNode | ObjectNode;

export interface Leaf {
  readonly kind: 'leaf';
  /** Written unmodified. */
  text: string;
}

export interface ListNode {
  readonly kind: 'list';
  items: JsonNode[];
}

export interface ObjectNode {
  readonly kind: 'object';
  entries: [key: string, value: JsonNode][];
}

export function treeOf(value: unknown): JsonNode {
  if (Array.isArray(value)) return { kind: 'list', items: value.map(treeOf) };
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, each]): [string, JsonNode] => [
      key,
      treeOf(each),
    ]);
    return { kind: 'object', entries };
  }
  return { kind: 'leaf', text: JSON.stringify(value) };
}

export function printTree(node: JsonNode): string {
  if (node.kind === 'leaf') return node.text;
  if (node.kind === 'list') return `[${node.items.map(printTree).join(',')}]`;
  return `{${node.entries.map(([key, value]) => `${JSON.stringify(key)}:${printTree(value)}`).join(',')}}`;
}

export function childrenOf(node: JsonNode): readonly JsonNode[] {
  if (node.kind === 'list') return node.items;
  return node.kind === 'object' ? node.entries.map(([, value]) => value) : [];
}

/** The node at a path of positions among children; undefined if the path leads nowhere. */
export function nodeAt(node: JsonNode, path: readonly number[]): JsonNode | undefined {
  let found: JsonNode | undefined = node;
  for (const index of path) found = found && childrenOf(found)[index];
  return found;
}
