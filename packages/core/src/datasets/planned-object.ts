/** An object of a data set as the plan knows it. */

/** Where an object is. Holds no credentials but those that the user wrote into a URL. */
export type ObjectAddress =
  /** In the executor's own storage. `file` is the client's file of which it is a copy. */
  | { readonly kind: 'key'; readonly key: string; readonly file?: string }
  /** In a storage that is named; with a bucket where that one has some. */
  | { readonly kind: 'storage'; readonly storage: string; readonly bucket: string | undefined; readonly key: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'url'; readonly url: string };

export interface PlannedObject {
  readonly address: ObjectAddress;
  /** Bytes; `undefined` when a server does not tell. */
  readonly size: number | undefined;
  /** Names the content, so that a change is seen; `undefined` when a server tells nothing that would. */
  readonly version: string | undefined;
  /** Whether it can be read from the middle. */
  readonly seekable: boolean;
}

/** An address as users write and read it. Different for different objects. */
export function addressName(address: ObjectAddress): string {
  switch (address.kind) {
    case 'key':
      return address.file ?? address.key;
    case 'storage':
      return `${address.storage}://${address.bucket === undefined ? '' : `${address.bucket}/`}${address.key}`;
    case 'file':
      return address.path;
    case 'url':
      return withoutCredentials(address.url);
  }
}

function withoutCredentials(url: string): string {
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  return shown.href;
}
