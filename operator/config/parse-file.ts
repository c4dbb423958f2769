import { isMap, LineCounter, type ParsedNode, parseDocument } from 'yaml'

/** One value of the file: its dotted path, what is there, and its line for error messages. */
export interface FileEntry {
  readonly path: string
  readonly value: unknown
  readonly line: number
}

/**
 * Reads kongsul.yaml (JSON is YAML too) into its leaves. A null value counts as not given.
 * @returns the entries, or the problems that kept the file from being read; never both.
 */
export function parseFile(source: string): { entries: readonly FileEntry[]; problems: readonly string[] } {
  const lines = new LineCounter()
  const document = parseDocument(source, { lineCounter: lines })
  if (document.errors.length > 0) {
    return { entries: [], problems: document.errors.map((error) => error.message.split('\n')[0]!) }
  }
  const root = document.contents
  if (root === null || (root as ParsedNode).toJSON() === null) return { entries: [], problems: [] }
  if (!isMap(root)) return { entries: [], problems: ['the file is not a list of "name: value" lines'] }
  return { entries: leaves(root, [], lines), problems: [] }
}

function leaves(node: ParsedNode, path: readonly string[], lines: LineCounter): FileEntry[] {
  if (!isMap(node)) return []
  return node.items.flatMap((pair) => {
    const key = pair.key as ParsedNode
    const value = pair.value as ParsedNode | null
    const here = [...path, String(key.toJSON())]
    if (isMap(value)) return leaves(value as ParsedNode, here, lines)
    const plain: unknown = value === null ? null : value.toJSON()
    if (plain === null) return []
    return [{ path: here.join('.'), value: plain, line: lines.linePos(key.range[0]).line }]
  })
}
