/** createStack({ worker: true }): the tests of the promise API with each stack in a thread of its own. */
import { useWorkers } from "./api-support.ts";

useWorkers();
await import("./api-tcp.test.ts");
await import("./api-close.test.ts");
await import("./api-udp.test.ts");
await import("./sockets-drain.test.ts");
