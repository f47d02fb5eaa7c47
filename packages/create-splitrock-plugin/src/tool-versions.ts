/** Versions of what new plugins use beside Splitrock, the ones that Splitrock itself is tested with; a test compares them. */
export const TOOL_VERSIONS = {
  '@types/node': '^24.19.2',
  typescript: '^7.0.2',
  vitest: '^5.1.1',
  zod: '^4.6.7',
} as const;
