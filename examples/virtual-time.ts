/**
 * A lossy link in virtual time: a minute of traffic takes a moment, and every run with the same seed is the same run.
 * Run: npm run build && npx tsx examples/virtual-time.ts
 */
import { createStack, memoryLink, World } from "lastack";

async function transfer(seed: number): Promise<string> {
  const world = new World({ seed });
  const { a, b } = memoryLink({ clock: world.clock, seed, delayMs: 50, loss: 0.05 });
  const left = await createStack({ runtime: world, devices: [a], addresses: ["10.0.0.1/24"] });
  const right = await createStack({ runtime: world, devices: [b], addresses: ["10.0.0.2/24"] });

  const program = async (): Promise<string> => {
    const server = await left.listen({ port: 7 });
    const socket = await right.connect({ address: "10.0.0.1", port: 7 });
    const peer = await server.accept();
    const reading = (async () => {
      let bytes = 0;
      for await (const chunk of peer) bytes += chunk.length;
      await peer.close();
      return bytes;
    })();
    await socket.write(new Uint8Array(200_000));
    const { outcome } = await socket.close();
    return `${await reading} bytes, ${outcome}, after ${world.nowMs} ms`;
  };
  // Time moves only when the world runs: it goes on until the program has settled.
  const result = await world.settle(program());
  await world.settle(Promise.all([left.close(), right.close()]));
  return result;
}

const first = await transfer(7);
console.log(`seed 7: ${first}`);
console.log(`again:  ${(await transfer(7)) === first ? "the same" : "another"}`);
