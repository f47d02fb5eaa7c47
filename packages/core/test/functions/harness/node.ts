/** The Node that runs the programs of the suites: this one, or another that `npm run test:nodes` names. */
export const NODE = process.env['SPLITROCK_TEST_NODE'] ?? process.execPath;
