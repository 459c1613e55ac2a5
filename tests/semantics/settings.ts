/** Chapter V as configuration: which reading of a row the core is asked for. */
import * as abi from "../../host/abi/config.gen.ts";
import type { CoreConfig } from "../../host/core/index.ts";

/** Readings that are not the default and what selects them. The others are what the core does unasked. */
const SELECT: Readonly<Record<string, CoreConfig>> = {
  "V-01=B": { switches: abi.SWITCH_V01_CLOSE_ABORTED },
  "V-02=B": { switches: abi.SWITCH_V02_CLOSE_EARLY },
  "V-03=A": { switches: abi.SWITCH_V03_EVENTS_PERSIST },
  "V-04=B": { switches: abi.SWITCH_V04_NEW_DATA_RECORDS },
  "V-05=B": { switches: abi.SWITCH_V05_RECV_ABORTED },
  "V-06=A": { switches: abi.SWITCH_V06_RESET_AFTER_FIN },
  "V-07=B": { switches: abi.SWITCH_V07_IDLE_CLOSE_SUCCEEDS },
  "V-08=A": { switches: abi.SWITCH_V08_UNREAD_CLOSE_FIN },
  "V-10=B": { switches: abi.SWITCH_V10_RECV_SHUT_KEEPS },
  "V-12=A": { switches: abi.SWITCH_V12_ERROR_CLEARS },
  "V-13=A": { switches: abi.SWITCH_V13_DONTLINGER_INVERTED },
  "V-14=B": { switches: abi.SWITCH_V14_SHUT_CLOSE_RETURNS },
  "V-15=B": { switches: abi.SWITCH_V15_RESET_KEEPS_UNREAD },
  "V-17=B": { timeWaitMs: 120_000 },
  "V-18=B": { finWait2Ms: 300_000 },
  "V-22=B": { switches: abi.SWITCH_V22_RECVDISC_LENIENT },
  "V-24=A": { switches: abi.SWITCH_V24_SEND_CLEARS_WRITE },
};

/** Readings nobody has to ask for. */
const DEFAULTS = [
  "-", "V-01=A", "V-02=A", "V-03=B", "V-04=A", "V-05=A", "V-06=B", "V-07=A", "V-08=B", "V-09=A", "V-10=A", "V-11=B", "V-12=B", "V-13=B",
  "V-14=A", "V-15=A", "V-16=B", "V-17=A", "V-18=A", "V-19=B", "V-20=B", "V-22=A", "V-23=B", "V-24=B", "V-25=A", "V-26=A",
];

export function configFor(setting: string): CoreConfig {
  const config = SELECT[setting] ?? (DEFAULTS.includes(setting) ? {} : undefined);
  if (!config) throw new RangeError(`${setting} is no reading the core offers`);
  return config;
}
