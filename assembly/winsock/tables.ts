/** The room's tables, carved by configure. Everything starts anew: no socket, event object, wait or report survives. */
import { CONFIG_MAX_SOCKETS } from "../abi/config";
import { config } from "../base/config";
import { handlesReset } from "../memory/handles";
import { duplicatesReset } from "./duplicate";
import { eventObjectsReset } from "./eventobjects";
import { mailboxesReset } from "./mailboxes";
import { routinesReset } from "./overlapped/complete";
import { operationsReset } from "./overlapped/operations";
import { portTableReset } from "./overlapped/port";
import { portWaitsReset } from "./portwaits";
import { portsReset } from "./ports";
import { settingsReady } from "./settings";
import { socketTableReset } from "./socket";
import { reportsReady, reportsReset } from "./teardown/reportslots";
import { troubleReset } from "./trouble";
import { waitsReset } from "./waits";

/** False when the arena has no room for the configured numbers. */
export function socketsReset(): bool {
  portsReset();
  duplicatesReset();
  if (!handlesReset(config(CONFIG_MAX_SOCKETS)) || !socketTableReset() || !waitsReset() || !eventObjectsReset() || !reportsReset()) return false;
  if (TINY) return true;
  portWaitsReset();
  routinesReset();
  troubleReset();
  return operationsReset() && portTableReset() && mailboxesReset(config(CONFIG_MAX_SOCKETS) * 2);
}

/** To be called when there is memory to be had; false if there is none. */
export function socketsReady(): bool { return reportsReady() && (TINY || settingsReady()); }
