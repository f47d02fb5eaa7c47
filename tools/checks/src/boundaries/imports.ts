/** The imports of a TypeScript file, as its syntax tree has them: no comment or string can pass for one. */
import { parseSync, Visitor } from 'oxc-parser';

export interface Import {
  readonly specifier: string;
  /** From 1. */
  readonly line: number;
  /** Whether the compiler erases it, so that nothing is loaded. */
  readonly typeOnly: boolean;
}

/** Imports, re-exports, dynamic imports of a literal, and `import('x').Type`, in the order of the file. */
export function importsOf(fileName: string, source: string): Import[] {
  const { program, errors } = parseSync(fileName, source);
  const error = errors[0];
  if (error !== undefined) throw new Error(`${fileName} cannot be parsed: ${error.message}`);

  const found: Import[] = [];
  const add = (node: { value: unknown; start: number } | null, typeOnly: boolean) => {
    if (typeof node?.value !== 'string') return;
    found.push({ specifier: node.value, line: source.slice(0, node.start).split('\n').length, typeOnly });
  };
  new Visitor({
    ImportDeclaration: (node) => add(node.source, node.importKind === 'type'),
    ExportNamedDeclaration: (node) => add(node.source, node.exportKind === 'type'),
    ExportAllDeclaration: (node) => add(node.source, node.exportKind === 'type'),
    ImportExpression: (node) => add(node.source.type === 'Literal' ? node.source : null, false),
    TSImportType: (node) => add(node.source, true),
  }).visit(program);
  return found;
}
