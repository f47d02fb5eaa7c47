import { describe, expect, it } from 'vitest';
import { SeatPlan, type SeatEvent, type SeatInstruction } from './seat-plan.ts';

/** Feeds events one millisecond apart and opens what is asked for at once. */
class Driver {
  readonly plan = new SeatPlan();
  nowMs = 0;

  tell(event: SeatEvent): readonly SeatInstruction[] {
    const out = this.plan.handle(event, (this.nowMs += 1));
    for (const instruction of out) {
      if (instruction.type === 'open') this.plan.handle({ type: 'opened', grant: instruction.grant }, this.nowMs);
    }
    return out;
  }

  /** Lets so much time pass that every queue that sent nothing is found empty. */
  findEmpty(...jobs: string[]): void {
    this.nowMs += 100;
    this.tell({ type: 'tick' });
    for (const job of jobs) this.tell({ type: 'looked', job, found: false });
  }
}

describe('SeatPlan', () => {
  it('listens nowhere while there is no room', () => {
    const driver = new Driver();
    expect(driver.tell({ type: 'job', job: 'a', weight: 1 })).toEqual([]);
  });

  it('gives a lone job all the room in one grant', () => {
    const driver = new Driver();
    driver.tell({ type: 'room', messages: 8 });
    expect(driver.tell({ type: 'job', job: 'a', weight: 1 })).toEqual([
      { type: 'open', grant: 1, job: 'a', messages: 8 },
    ]);
  });

  it('looks at a queue that sends nothing, and parks the grant there when it is empty', () => {
    const driver = new Driver();
    driver.tell({ type: 'room', messages: 2 });
    driver.tell({ type: 'job', job: 'a', weight: 1 });
    driver.nowMs = driver.plan.dueMs ?? Infinity;
    expect(driver.tell({ type: 'tick' })).toEqual([{ type: 'look', job: 'a' }]);
    expect(driver.tell({ type: 'looked', job: 'a', found: false })).toEqual([]);
    expect(driver.plan.isIdle('a')).toBe(true);
  });

  it('takes the room from a job without work when another has some', () => {
    const driver = new Driver();
    driver.tell({ type: 'room', messages: 2 });
    driver.tell({ type: 'job', job: 'a', weight: 1 });
    driver.findEmpty('a');
    expect(driver.tell({ type: 'job', job: 'b', weight: 1 })).toEqual([
      { type: 'close', grant: 1 },
      { type: 'open', grant: 2, job: 'b', messages: 2 },
    ]);
  });

  it('closes the grant of a job that has all, so that what it finishes goes to a new one', () => {
    const driver = new Driver();
    driver.tell({ type: 'room', messages: 2 });
    driver.tell({ type: 'job', job: 'huge', weight: 1 });
    driver.tell({ type: 'delivered', grant: 1 });
    driver.tell({ type: 'delivered', grant: 1 });
    expect(driver.tell({ type: 'job', job: 'small', weight: 1 })).toEqual([
      { type: 'shed', job: 'huge' },
      { type: 'close', grant: 1 },
    ]);
    driver.tell({ type: 'closed', grant: 1 });
    expect(driver.tell({ type: 'released', grant: 1 })).toEqual([
      { type: 'open', grant: 2, job: 'small', messages: 1 },
    ]);
  });

  it('puts grants away when room goes, those that brought nothing first', () => {
    const driver = new Driver();
    driver.tell({ type: 'room', messages: 4 });
    driver.tell({ type: 'job', job: 'a', weight: 1 });
    driver.tell({ type: 'delivered', grant: 1 });
    expect(driver.tell({ type: 'room', messages: 1 })).toEqual([{ type: 'close', grant: 1 }]);
    expect(driver.tell({ type: 'room', messages: 0 })).toEqual([]);
  });

  it('listens to jobs without work in turns when there are more of them than room', () => {
    const driver = new Driver();
    driver.tell({ type: 'room', messages: 1 });
    for (const job of ['a', 'b']) driver.tell({ type: 'job', job, weight: 1 });
    driver.findEmpty('a', 'b');
    driver.findEmpty('a', 'b');
    driver.nowMs += 1_000;
    const turned = driver.tell({ type: 'tick' }).map(({ type }) => type);
    expect(turned).toEqual(expect.arrayContaining(['close', 'open']));
  });

  it('waits longer each time that a look finds what the broker was about to send', () => {
    const driver = new Driver();
    driver.tell({ type: 'room', messages: 2 });
    driver.tell({ type: 'job', job: 'a', weight: 1 });
    const waits = [1, 2, 3].map(() => {
      const waitMs = (driver.plan.dueMs ?? Infinity) - driver.nowMs;
      driver.nowMs += waitMs;
      driver.tell({ type: 'tick' });
      driver.tell({ type: 'looked', job: 'a', found: true });
      return waitMs;
    });
    expect(waits).toEqual([15, 30, 60]);
  });

  it('looks at a job that has ended without delay', () => {
    const driver = new Driver();
    driver.tell({ type: 'room', messages: 1 });
    driver.tell({ type: 'job', job: 'a', weight: 1 });
    expect(driver.tell({ type: 'ended', job: 'a' })).toEqual([{ type: 'look', job: 'a' }]);
    driver.tell({ type: 'looked', job: 'a', found: false });
    expect(driver.plan.isIdle('a')).toBe(true);
  });

  it('does not look at a job that has ended while a message of it is held', () => {
    const driver = new Driver();
    driver.tell({ type: 'room', messages: 1 });
    driver.tell({ type: 'job', job: 'a', weight: 1 });
    driver.tell({ type: 'delivered', grant: 1 });
    expect(driver.tell({ type: 'ended', job: 'a' })).toEqual([]);
  });

  it('forgets all grants with the connection and asks for new ones', () => {
    const driver = new Driver();
    driver.tell({ type: 'room', messages: 1 });
    driver.tell({ type: 'job', job: 'a', weight: 1 });
    driver.tell({ type: 'delivered', grant: 1 });
    driver.tell({ type: 'room', messages: 0 });
    driver.tell({ type: 'disconnected' });
    expect(driver.tell({ type: 'room', messages: 1 })).toEqual([{ type: 'open', grant: 2, job: 'a', messages: 1 }]);
  });
});
