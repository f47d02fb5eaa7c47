/** What a generator uses of nx's tree: changes are kept until it ends, and only shown with `--dry-run`. */
export interface FileTree {
  /** The repository's folder. */
  readonly root: string;
  exists(path: string): boolean;
  read(path: string, encoding: 'utf8'): string | null;
  write(path: string, text: string): void;
}
