import { SplitrockError } from '@splitrock/core/plugin';

/** An image cannot be built, pushed or found; the codes begin with `RUNTIME_`. */
export class RuntimeImageError extends SplitrockError {}
