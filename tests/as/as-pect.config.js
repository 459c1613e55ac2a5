// Each spec file runs in a module of its own, with a world of its own: see world.ts for what specs can do to it.
import { createWorld } from "./world.mjs";

export default {
  entries: process.env.AS_SPECS?.split(",") ?? ["tests/as/**/*.spec.ts"],
  include: ["tests/as/**/*.include.ts"],
  disclude: [/node_modules/],
  async instantiate(memory, createImports, instantiate, binary) {
    const world = createWorld();
    const module = await instantiate(binary, createImports({ env: { memory }, ...world.imports }));
    world.attach(module.exports.memory);
    return module;
  },
  coverage: process.env.AS_COVER ? ["assembly/**/*.ts"] : [],
  outputBinary: false,
};
