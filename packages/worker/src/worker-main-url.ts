import { siblingModule } from './runtime/sibling-module.ts';

/** The executable that backends start: `node <this> --bootstrap fd:N`. A file, in the sources as well as when built. */
export const workerMainUrl: URL = siblingModule(import.meta.url, './main');
