/** The bells of a thread link. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { sharedStations, ThreadStation } from "../../host/device/thread-link.ts";

const MAC = Uint8Array.of(2, 0, 0, 0, 0, 1);
/** Word of a ring in which the reader says that it wants its bell rung. */
const ASLEEP = 2;

test("a bell that rings for a frame already read does not make the next one unheard", async () => {
  const [far, near] = sharedStations("link", 1500, [MAC, MAC]).map((shared) => ({ shared, station: new ThreadStation(shared) }));
  assert.ok(far && near);
  let told = 0;
  const heard = new Promise<void>((resolve) => {
    near.station.onReadable = () => {
      told++;
      resolve();
    };
  });
  // The writer of a frame that is gone by now takes the mark that the reader made after it, and rings.
  const bells = new Int32Array(near.shared.bells);
  Atomics.store(new Int32Array(near.shared.incoming), ASLEEP, 0);
  Atomics.add(bells, near.shared.side, 1);
  Atomics.notify(bells, near.shared.side);
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(told, 0, "there is nothing to read");
  assert.equal(far.station.write(new Uint8Array(60), Int32Array.of(0, 60), 0, 1), true);
  await heard;
  assert.equal(near.station.readInto(new Uint8Array(1514), 0, 1514), 60);
  near.station.close();
  far.station.close();
});
