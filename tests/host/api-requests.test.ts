/** host/api/requests: order, and requests that are taken out of the queue from outside. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatQuad, parseQuad } from "../../host/core/index.ts";
import { Requests, WAITING } from "../../host/api/requests.ts";

/** A queue whose requests wait until `ready` says how many may be done. */
function queue() {
  const state = { ready: 0 };
  const requests = new Requests<string>();
  const attempt = (name: string) => (): string | typeof WAITING => {
    if (state.ready === 0) return WAITING;
    state.ready--;
    return name;
  };
  const settled: string[] = [];
  const add = (name: string, signal?: AbortSignal): void => {
    requests.add(attempt(name), signal).then((value) => settled.push(value), (reason) => settled.push(`${name}: ${(reason as Error).message}`));
  };
  return { state, requests, settled, add };
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

test("requests settle in the order of the calls, as many as can", async () => {
  const { state, requests, settled, add } = queue();
  for (const name of ["a", "b", "c"]) add(name);
  state.ready = 2;
  requests.retry();
  await turn();
  assert.deepEqual(settled, ["a", "b"]);
  assert.equal(requests.none, false);
  state.ready = 2;
  requests.retry();
  add("d");
  await turn();
  assert.deepEqual(settled, ["a", "b", "c", "d"]);
  assert.equal(requests.none, true);
});

for (const which of [0, 1, 2]) {
  test(`a signal takes out request ${which} of three and leaves the others their order`, async () => {
    const { state, requests, settled, add } = queue();
    const controller = new AbortController();
    const names = ["a", "b", "c"];
    for (const [i, name] of names.entries()) add(name, i === which ? controller.signal : undefined);
    controller.abort(new Error("enough"));
    await turn();
    assert.deepEqual(settled, [`${names[which]}: enough`]);
    add("d");
    state.ready = 9;
    requests.retry();
    controller.abort();
    await turn();
    assert.deepEqual(settled.slice(1), [...names.filter((_, i) => i !== which), "d"]);
  });
}

test("the end of the first request lets the next be tried", async () => {
  const { state, settled, add } = queue();
  const controller = new AbortController();
  add("a", controller.signal);
  add("b");
  state.ready = 1;
  controller.abort(new Error("enough"));
  await turn();
  assert.deepEqual(settled, ["a: enough", "b"]);
});

test("an attempt that throws rejects its own request alone", async () => {
  const requests = new Requests<number>();
  let open = false;
  const outcome: unknown[] = [];
  const note = (promise: Promise<number>): void => void promise.then((value) => outcome.push(value), (error: Error) => outcome.push(error.message));
  note(requests.add(() => {
    if (open) throw new Error("broken");
    return WAITING;
  }));
  note(requests.add(() => 2));
  open = true;
  requests.retry();
  await turn();
  assert.deepEqual(outcome, ["broken", 2]);
});

test("what waits for an idle queue hears of it once, after the last request or its failure", async () => {
  const { state, requests, settled, add } = queue();
  let idle = 0;
  requests.whenIdle(() => idle++);
  assert.equal(idle, 1);
  add("a");
  requests.whenIdle(() => idle++);
  requests.whenIdle(() => idle++);
  state.ready = 1;
  requests.retry();
  assert.equal(idle, 3);
  add("b");
  requests.whenIdle(() => idle++);
  requests.fail(new Error("over"));
  requests.retry();
  assert.equal(idle, 4);
  await turn();
  assert.deepEqual(settled, ["a", "b: over"]);
});

test("a dotted quad becomes a number and back, and nothing else does", () => {
  for (const text of ["0.0.0.0", "10.0.0.1", "192.0.2.255", "255.255.255.255", "128.0.0.1", "1.2.3.4"]) {
    assert.equal(formatQuad(parseQuad(text)), text);
    // A second time, out of what is kept.
    assert.equal(formatQuad(parseQuad(text)), text);
  }
  for (const text of ["", ".", "1", "1.2.3", "1.2.3.4.", ".1.2.3.4", "1..2.3", "1.2.3.4.5", "256.0.0.1", "1.2.3.1000", "01.2.3.4", "1.2.3.00", "1.2.3.4 ", "1.2.3.-4", "1.2.3.٤", "::1"]) {
    assert.equal(parseQuad(text), -1, text);
  }
});
