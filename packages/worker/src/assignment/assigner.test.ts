import { describe, expect, it } from 'vitest';
import { AssignerWorld, needs } from '../../test/assigner-world.ts';

describe('placing calls', () => {
  it('gives each free slot one call of a job whose calls are of unknown length', () => {
    const world = new AssignerWorld({ slots: 2 });
    world.readyAll();
    world.deliver('a', 4);
    expect(world.inSlots()).toEqual([['a0'], ['a1']]);
  });

  it('hands many tiny calls to a slot at once', () => {
    const world = new AssignerWorld({ slots: 1 });
    world.readyAll();
    world.deliver('a', 300);
    world.finish(0, { tookMs: 0.02 });
    expect(world.inSlots()[0]).toHaveLength(200);
  });

  it('hands long calls one by one', () => {
    const world = new AssignerWorld({ slots: 2 });
    world.readyAll();
    world.deliver('a', 6);
    world.finish(0, { tookMs: 500 });
    expect(world.inSlots()).toEqual([['a2'], ['a1']]);
  });

  it('lets one call wait behind each call that is neither tiny nor long', () => {
    const world = new AssignerWorld({ slots: 2 });
    world.readyAll();
    world.deliver('a', 6);
    world.finish(0, { tookMs: 50 });
    expect(world.inSlots()).toEqual([
      ['a2', 'a3'],
      ['a1', 'a4'],
    ]);
  });

  it('lets some calls wait where a slot runs many at once', () => {
    const world = new AssignerWorld({ slots: 1, callsPerSlot: 100 });
    world.readyAll();
    world.deliver('a', 300);
    world.finish(0, { tookMs: 50 });
    expect(world.inSlots()[0]).toHaveLength(200);
  });

  it('hands out as many as the job’s chunk size says', () => {
    const world = new AssignerWorld({ slots: 2 });
    world.readyAll();
    world.needs.set('a', { ...needs, chunkSize: 3 });
    world.deliver('a', 10);
    expect(world.inSlots()).toEqual([
      ['a0', 'a1', 'a2'],
      ['a3', 'a4', 'a5'],
    ]);
    world.finish(0);
    expect(world.inSlots()[0]).toEqual(['a1', 'a2']);
  });

  it('splits the last calls of a job between the slots', () => {
    const world = new AssignerWorld({ slots: 2 });
    world.readyAll();
    world.deliver('a', 2);
    world.finish(0, { tookMs: 0.02 });
    world.finish(1, { tookMs: 0.02 });
    world.deliver('a', 10, { from: 2 });
    expect(world.inSlots().map((calls) => calls.length)).toEqual([5, 5]);
  });

  it('gives the next free slot to a small job behind a long one', () => {
    const world = new AssignerWorld({ slots: 2 });
    world.readyAll();
    world.deliver('a', 100);
    world.deliver('b', 10);
    world.finish(1, { tookMs: 1000 });
    expect(world.inSlots()).toEqual([['a0'], ['b0']]);
    world.finish(1, { tookMs: 1000 });
    expect(world.inSlots()).toEqual([['a0'], ['b1']]);
  });

  it('shares one slot between jobs in turn', () => {
    const world = new AssignerWorld({ slots: 1 });
    world.readyAll();
    for (const job of ['a', 'b', 'c']) world.deliver(job, 2);
    const order: string[] = [];
    for (let call = 0; call < 6; call += 1) {
      order.push(...(world.inSlots()[0] as string[]));
      world.finish(0, { tookMs: 100 });
    }
    expect(order).toEqual(['a0', 'b0', 'c0', 'a1', 'b1', 'c1']);
  });

  it('lets one slot of tiny calls run dry for a job that waits', () => {
    const world = new AssignerWorld({ slots: 2 });
    world.readyAll();
    world.deliver('a', 1000);
    world.finish(0, { tookMs: 0.02 });
    world.finish(1, { tookMs: 0.02 });
    world.deliver('b', 1);
    for (let call = 0; call < 200; call += 1) world.finish(0, { tookMs: 0.02 });
    expect(world.inSlots()[0]).toEqual(['b0']);
    expect(world.inSlots()[1]?.every((name) => name.startsWith('a'))).toBe(true);
  });

  it('takes back calls that wait behind a long one when a slot is free', () => {
    const world = new AssignerWorld({ slots: 2 });
    world.readyAll();
    world.deliver('a', 2);
    world.finish(0, { tookMs: 0.5 });
    world.finish(1, { tookMs: 0.5 });
    world.deliver('a', 4, { from: 2 });
    expect(world.inSlots()).toEqual([
      ['a2', 'a3'],
      ['a4', 'a5'],
    ]);
    world.finish(1);
    world.finish(1);
    world.pass(6);
    expect(world.inSlots()).toEqual([['a2'], ['a3']]);
  });

  it('runs a call that needs two slots once two are free, and nothing beside it', () => {
    const world = new AssignerWorld({ slots: 2 });
    world.readyAll();
    world.needs.set('big', { ...needs, slotsPerCall: 2 });
    world.deliver('a', 3);
    world.deliver('big', 1);
    world.finish(0, { tookMs: 100 });
    expect(world.inSlots()).toEqual([[], ['a1']]);
    world.finish(1, { tookMs: 100 });
    expect(world.inSlots()).toEqual([['big0'], []]);
    world.finish(0, { tookMs: 100 });
    expect(world.inSlots().flat()).toEqual(['a2']);
  });

  it('fails calls that need more slots than there are', () => {
    const world = new AssignerWorld({ slots: 2 });
    world.needs.set('a', { ...needs, slotsPerCall: 3 });
    world.deliver('a', 2);
    world.deliver('a', 1, { from: 2 });
    expect(world.ends()).toEqual(['a0 failed', 'a1 failed', 'a2 failed']);
  });

  it('restarts a slot whose memory limit is not the job’s', () => {
    const world = new AssignerWorld({ slots: 1 });
    world.readyAll();
    world.needs.set('a', { ...needs, memoryMiB: 256 });
    world.deliver('a', 1);
    expect(world.inSlots()).toEqual([[]]);
    world.die(0);
    expect(world.slots[0]).toMatchObject({ up: 'starting', memoryMiB: 256 });
    world.ready(0);
    expect(world.inSlots()).toEqual([['a0']]);
  });

  it('replaces a slot that has loaded many functions', () => {
    const world = new AssignerWorld({ slots: 1, functionsPerProcess: 2 });
    world.readyAll();
    for (const job of ['a', 'b', 'c']) {
      world.needs.set(job, { ...needs, functionId: job });
      world.deliver(job, 1);
    }
    world.finish(0);
    world.finish(0);
    expect(world.slots[0]?.signals).toEqual(['SIGKILL']);
    world.die(0);
    world.ready(0);
    expect(world.inSlots()).toEqual([['c0']]);
  });
});

describe('stopping calls', () => {
  it('goes from abort through SIGTERM to SIGKILL', () => {
    const world = new AssignerWorld({ slots: 1 });
    world.readyAll();
    world.needs.set('a', { ...needs, timeoutMs: 100 });
    world.deliver('a', 1);
    world.pass(100);
    expect(world.slots[0]?.aborted).toEqual([0]);
    world.pass(50);
    expect(world.slots[0]?.signals).toEqual(['SIGTERM']);
    world.pass(100);
    expect(world.slots[0]?.signals).toEqual(['SIGTERM', 'SIGKILL']);
    world.die(0);
    expect(world.settled[0]?.outcome).toEqual({ kind: 'timeout', timeoutMs: 100, by: 'SIGKILL' });
  });

  it('ends a call that heeds the abort as timed out by it', () => {
    const world = new AssignerWorld({ slots: 1 });
    world.readyAll();
    world.needs.set('a', { ...needs, timeoutMs: 100 });
    world.deliver('a', 1);
    world.pass(100);
    world.finish(0);
    expect(world.settled[0]?.outcome).toEqual({ kind: 'timeout', timeoutMs: 100, by: 'abort' });
  });

  it('runs calls beside a killed one again, without a status', () => {
    const world = new AssignerWorld({ slots: 1, callsPerSlot: 3 });
    world.readyAll();
    world.deliver('a', 3);
    world.cancel({ job: 'a', calls: [{ from: 1, to: 2 }] });
    world.pass(50);
    world.die(0);
    expect(world.ends()).toEqual(['a1 cancelled']);
    world.ready(0);
    expect(world.inSlots()).toEqual([['a0', 'a2']]);
  });

  it('drops waiting calls of a cancelled job without a status', () => {
    const world = new AssignerWorld({ slots: 1 });
    world.readyAll();
    world.deliver('a', 3);
    world.cancel({ job: 'a' });
    expect(world.ends()).toEqual(['a1 forgotten', 'a2 forgotten']);
    expect(world.slots[0]?.aborted).toEqual([0]);
  });

  it('takes cancelled calls back out of a slot and runs the others', () => {
    const world = new AssignerWorld({ slots: 1 });
    world.readyAll();
    world.needs.set('a', { ...needs, chunkSize: 4 });
    world.deliver('a', 4);
    world.cancel({ job: 'a', calls: [{ from: 2, to: 3 }] });
    expect(world.ends()).toEqual(['a2 forgotten']);
    world.finish(0);
    expect(world.inSlots()).toEqual([['a1', 'a3']]);
  });

  it('cancels only the attempt that is named', () => {
    const world = new AssignerWorld({ slots: 1 });
    world.readyAll();
    world.deliver('a', 2);
    world.deliver('a', 2, { attempt: 2 });
    world.cancel({ job: 'a', attempt: 2 });
    expect(world.ends()).toEqual(['a0#2 forgotten', 'a1#2 forgotten']);
  });
});

describe('deaths of slots', () => {
  it('lose the call that ran and run those again that waited in the slot', () => {
    const world = new AssignerWorld({ slots: 1 });
    world.readyAll();
    world.needs.set('a', { ...needs, chunkSize: 3 });
    world.deliver('a', 3);
    world.die(0);
    expect(world.ends()).toEqual(['a0 lost']);
    world.ready(0);
    expect(world.inSlots()).toEqual([['a1', 'a2']]);
  });

  it('lose only the culprit where it is known', () => {
    const world = new AssignerWorld({ slots: 1, callsPerSlot: 3 });
    world.readyAll();
    world.deliver('a', 3);
    world.die(0, { culprit: 1 });
    expect(world.ends()).toEqual(['a1 lost']);
  });

  it('lose nothing when what a finished call left behind is to blame', () => {
    const world = new AssignerWorld({ slots: 1 });
    world.readyAll();
    world.deliver('a', 1);
    world.die(0, { culprit: 'none' });
    expect(world.ends()).toEqual([]);
    world.ready(0);
    expect(world.inSlots()).toEqual([['a0']]);
  });

  it('back off between starts that fail, and after five give the calls back', () => {
    const world = new AssignerWorld({ slots: 1 });
    world.deliver('a', 1);
    const waits: number[] = [];
    for (let start = 0; start < 5; start += 1) {
      world.die(0);
      waits.push(world.untilDue());
      world.pass(world.untilDue());
    }
    expect(waits).toEqual([100, 200, 400, 800, 1600]);
    expect(world.ends()).toEqual(['a0 given back: start-failed']);
    expect(world.capacity).toBe(0);
    world.ready(0);
    expect(world.capacity).toBeGreaterThan(0);
  });
});

describe('a slot process that dies as soon as it is ready', () => {
  it('is started again after a pause, which grows', () => {
    const world = new AssignerWorld({ slots: 1 });
    const waits: number[] = [];
    for (let start = 0; start < 5; start += 1) {
      world.ready(0);
      world.die(0);
      waits.push(world.untilDue());
      world.pass(world.untilDue());
    }
    expect(waits).toEqual([100, 200, 400, 800, 1600]);
    world.ready(0);
    world.deliver('a', 1);
    world.finish(0);
    world.deliver('a', 1, { from: 1 });
    world.die(0);
    expect(world.ends()).toEqual(['a0 value', 'a1 lost']);
    expect(world.slots[0]?.up).toBe('starting');
  });

  it('takes calls with it that come although none were asked for, with the reason and no sooner than it is tried again', () => {
    const world = new AssignerWorld({ slots: 1 });
    for (let start = 0; start < 5; start += 1) {
      world.die(0);
      world.pass(world.untilDue());
    }
    world.deliver('a', 2);
    expect(world.ends()).toEqual([]);
    world.die(0);
    expect(world.ends()).toEqual(['a0 given back: start-failed', 'a1 given back: start-failed']);
  });
});

describe('a slot that is on its way', () => {
  it('keeps no call from one that is free: it would go round between a busy slot and the queue', () => {
    const world = new AssignerWorld({ slots: 3 });
    world.needs.set('a', { ...needs, memoryMiB: 256 });
    world.readyAll();
    world.deliver('a', 3);
    for (const slot of [0, 1, 2]) world.die(slot);
    world.ready(0);
    world.ready(1);
    world.finish(0, { tookMs: 3 });
    expect(world.slots[2]?.up).toBe('starting');
    expect(world.inSlots()).toEqual([['a2'], ['a1'], []]);
  });

  it('gets its share, which does not wait behind a call that runs', () => {
    const world = new AssignerWorld({ slots: 3 });
    world.needs.set('a', { ...needs, memoryMiB: 256 });
    world.readyAll();
    world.deliver('a', 2);
    world.die(0);
    world.die(1);
    world.ready(0);
    world.finish(0, { tookMs: 1 });
    world.deliver('a', 1, { from: 2 });
    // Slot 2 is free, but not for this job: slot 1 is restarted for it.
    expect(world.inSlots()).toEqual([['a1'], [], []]);
    world.ready(1);
    expect(world.inSlots()).toEqual([['a1'], ['a2'], []]);
  });
});

describe('slots that run many calls at once', () => {
  it('share what is left at the end of a job: no call waits in one while another has room', () => {
    const world = new AssignerWorld({ slots: 2, callsPerSlot: 4 });
    world.readyAll();
    world.deliver('a', 16);
    for (const slot of [0, 1]) world.finish(slot, { tookMs: 50 });
    // Four run in each, and the rest waits there for the next round.
    expect(world.inSlots().map((calls) => calls.length)).toEqual([8, 6]);
    for (let call = 0; call < 7; call += 1) world.finish(0, { tookMs: 50 });
    expect(world.inSlots().map((calls) => calls.length)).toEqual([1, 6]);
    world.pass(10);
    expect(world.inSlots().map((calls) => calls.length)).toEqual([3, 4]);
  });

  it('get back what they could not begin only when one of their calls has ended', () => {
    const world = new AssignerWorld({ slots: 2, callsPerSlot: 4 });
    world.slowRecalls = true;
    world.readyAll();
    world.deliver('a', 14);
    for (const slot of [0, 1]) world.finish(slot, { tookMs: 50 });
    for (let call = 0; call < 4; call += 1) world.finish(0, { tookMs: 50 });
    world.pass(10);
    expect([...world.recalls]).toEqual([1]);
    // Meanwhile more have come.
    world.deliver('a', 20, { from: 14 });
    world.answerRecalls();
    expect(world.inSlots()[1]).toHaveLength(4);
    world.finish(1, { tookMs: 50 });
    expect(world.inSlots()[1]?.length).toBeGreaterThan(4);
  });
});

describe('a slot that starts', () => {
  it('and is never ready is killed after a minute', () => {
    const world = new AssignerWorld({ slots: 1 });
    world.pass(59_999);
    expect(world.slots[0]?.signals).toEqual([]);
    world.pass(1);
    expect(world.slots[0]?.signals).toEqual(['SIGKILL']);
    world.die(0);
    expect(world.untilDue()).toBe(100);
  });
});

describe('capacity', () => {
  it('is little more than the slots for long calls, and much for tiny ones', () => {
    const world = new AssignerWorld({ slots: 2 });
    world.readyAll();
    expect(world.capacity).toBe(3);
    world.deliver('a', 3);
    world.finish(0, { tookMs: 10_000 });
    expect(world.capacity).toBeLessThanOrEqual(6);
    world.cancel({ job: 'a' });
    world.finish(0);
    world.finish(1);
    world.answer();
    world.deliver('b', 3);
    world.finish(0, { tookMs: 0.05 });
    expect(world.capacity).toBeGreaterThan(1000);
  });

  it('stops to grow when nothing gets published', () => {
    const world = new AssignerWorld({ slots: 1 });
    world.readyAll();
    for (let round = 0; round < 200; round += 1) {
      world.deliver('a', 100, { from: round * 100 });
      world.finishAll(0.01);
    }
    expect(world.settled).toHaveLength(20_000);
    expect(world.capacity).toBeLessThan(16_384);
  });

  it('gives long calls back that came because the calls before were tiny', () => {
    const world = new AssignerWorld({ slots: 1 });
    world.readyAll();
    world.deliver('a', 500);
    world.finish(0, { tookMs: 0.01 });
    const before = world.ends().length;
    world.deliver('b', 200);
    while (world.inSlots()[0]?.[0] !== 'b0') world.finish(0, { tookMs: 0.01 });
    world.finish(0, { tookMs: 60_000 });
    const given = world
      .ends()
      .slice(before)
      .filter((end) => end.startsWith('b') && end.endsWith('given back'));
    expect(given.length).toBeGreaterThan(100);
    expect(given).toContain('b199 given back');
  });

  it('does not give back again and again what its source brings at once, because another job has tiny calls', () => {
    const world = new AssignerWorld({ slots: 2 });
    world.readyAll();
    world.deliver('a', 500);
    world.finish(0, { tookMs: 0.01 });
    world.deliver('b', 200);
    while (world.inSlots()[0]?.[0] !== 'b0') world.finish(0, { tookMs: 0.01 });
    world.finish(0, { tookMs: 60_000 });
    const givenBack = (): number => world.ends().filter((end) => end.endsWith('given back')).length;
    const once = givenBack();
    expect(once).toBeGreaterThan(100);
    world.deliver('b', once);
    expect(givenBack()).toBe(once);
    world.pass(1000);
    expect(givenBack()).toBeGreaterThan(once);
  });
});

describe('a drain', () => {
  it('gives back what waits, lets running calls end, and then is over', () => {
    const world = new AssignerWorld({ slots: 1 });
    world.readyAll();
    world.needs.set('a', { ...needs, chunkSize: 2 });
    world.deliver('a', 4);
    world.drain(1000);
    expect(world.capacity).toBe(0);
    expect(world.ends()).toEqual(['a2 given back', 'a3 given back', 'a1 given back']);
    world.finish(0);
    expect(world.drained).toBe(false);
    world.answer();
    expect(world.drained).toBe(true);
  });

  it('stops what still runs when its grace is over and gives it back as lost', () => {
    const world = new AssignerWorld({ slots: 1 });
    world.readyAll();
    world.deliver('a', 1);
    world.drain(1000);
    world.pass(1000);
    expect(world.slots[0]?.aborted).toEqual([0]);
    world.pass(50);
    world.die(0);
    expect(world.ends()).toEqual(['a0 given back: worker-lost']);
    expect(world.drained).toBe(true);
  });

  it('gives back at once what is delivered after it', () => {
    const world = new AssignerWorld({ slots: 1 });
    world.readyAll();
    world.deliver('a', 1);
    world.drain(1000);
    world.deliver('b', 1);
    expect(world.ends()).toEqual(['b0 given back']);
  });

  it('is over at once for a worker at rest, which has no timer', () => {
    const world = new AssignerWorld({ slots: 1 });
    world.readyAll();
    world.deliver('a', 1);
    world.finish(0);
    world.answer();
    expect(world.untilDue()).toBe(Infinity);
    world.drain(1000);
    expect(world.drained).toBe(true);
  });
});
