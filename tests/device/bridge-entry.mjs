// Entry of the board's thread: workers do not inherit the loader of --import tsx.
import { register } from "tsx/esm/api";

register();
await import("./bridge-worker.ts");
