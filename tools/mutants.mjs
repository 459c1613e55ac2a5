#!/usr/bin/env node
// npm run mutants: makes the faults of tests/mutants/table.ts one by one and shows which test notices each.
import { register } from "tsx/esm/api";

register();
const { main } = await import("../tests/mutants/run.ts");
process.exitCode = await main(process.argv.slice(2), (text) => void process.stdout.write(`${text}\n`));
