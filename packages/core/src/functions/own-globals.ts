/** What a function reads of the global object and this program has changed: workers have a global object of their own. */
import { isStandardGlobal } from './built-ins.ts';
import type { FunctionKnowledge } from './function-knowledge.ts';
import type { SitePlan } from './site-plan.ts';

interface GlobalUses {
  /** Standard globals by their bare name. */
  readonly standard: readonly string[];
  /** Names that are read as members of `globalThis`. */
  readonly members: readonly string[];
}

const usesOfPlans = new WeakMap<SitePlan, GlobalUses>();

function usesOf(plan: SitePlan): GlobalUses {
  let uses = usesOfPlans.get(plan);
  if (uses === undefined) {
    const free = plan.analysis.variables.filter(
      ({ name, variable }) => variable === undefined && isStandardGlobal(name),
    );
    const roots = free.filter(({ name }) => name === 'globalThis' || name === 'global');
    const members = roots.flatMap((root) => root.uses.flatMap(({ end }) => readMember(plan.site.script.text, end)));
    uses = { standard: free.map(({ name }) => name), members: [...new Set(members)] };
    usesOfPlans.set(plan, uses);
  }
  return uses;
}

/** The member named after `globalThis`, unless it is only assigned to. */
function readMember(text: string, end: number): string[] {
  const match = /^\s*\??\.\s*([\p{ID_Start}$_][\p{ID_Continue}$]*)\s*([^\s]{0,2})/u.exec(text.slice(end, end + 300));
  const [, member, next] = match ?? [];
  const isAssigned = next !== undefined && (/^=(?!=|>)/.test(next) || next === '??' || next === '||');
  return member === undefined || isAssigned || isStandardGlobal(member) ? [] : [member];
}

/** One warning for each global that a function uses and that is another one on workers. */
export function warnOfGlobals(plan: SitePlan, knowledge: FunctionKnowledge): string[] {
  const { standard, members } = usesOf(plan);
  return [
    ...standard
      .filter((name) => knowledge.isReplacedGlobal(name))
      .map(
        (name) =>
          `The function uses the global \`${name}\`, which this program has replaced: workers have Node's own. To send yours, keep it in a variable and use that.`,
      ),
    ...members
      .filter((name) => Object.hasOwn(globalThis, name))
      .map(
        (name) =>
          `The function uses \`globalThis.${name}\`, which this program has set: on workers it is not there. Name it without \`globalThis.\`, or keep it in a variable and use that.`,
      ),
  ];
}
