/** WSPAddressToString and WSPStringToAddress: the entries themselves, UTF-16 both ways. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import * as E from "../../host/abi/errors.gen.ts";
import { AF_INET, AF_INET6 } from "../../host/abi/winsock.gen.ts";
import { pair } from "./support/pair.ts";
import type { Spi } from "./support/spi.ts";

/** Places behind the harness's own: text, sockaddr, length. */
const TEXT = 2048;
const NAME = 3072;
const LENGTH = 3200;
const SEED = 77;

function putText(spi: Spi, text: string, terminated = true): number {
  const words = new Uint8Array(Uint16Array.from([...text].map((c) => c.charCodeAt(0)).concat(terminated ? [0] : [])).buffer);
  spi.put(TEXT, words);
  return spi.at + TEXT;
}

function parse(spi: Spi, text: string, { family = AF_INET, room = 16 } = {}): string | number {
  const at = putText(spi, text);
  spi.setWord(LENGTH, room);
  const error = spi.code("WSPStringToAddress", at, family, 0, spi.at + NAME, spi.at + LENGTH);
  if (error) return error;
  assert.equal(spi.word(LENGTH), 16);
  const name = spi.bytes(NAME, 16);
  assert.deepEqual([...name.subarray(0, 2), ...name.subarray(8)], [AF_INET, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  return `${name.subarray(4, 8).join(".")}:${((name[2] as number) << 8) | (name[3] as number)}`;
}

function format(spi: Spi, address: readonly number[], port: number, room = 100): string | number {
  spi.put(NAME, Uint8Array.from([AF_INET, 0, port >> 8, port & 255, ...address, 0, 0, 0, 0, 0, 0, 0, 0]));
  spi.setWord(LENGTH, room);
  const error = spi.code("WSPAddressToString", spi.at + NAME, 16, 0, spi.at + TEXT, spi.at + LENGTH);
  if (error) return error;
  const length = spi.word(LENGTH);
  const words = new Uint16Array(spi.bytes(TEXT, length * 2).buffer);
  assert.equal(words[length - 1], 0);
  return String.fromCharCode(...words.subarray(0, length - 1));
}

test(`what is written can be read again (seed ${SEED})`, async () => {
  const { a } = await pair();
  const byte = fc.integer({ min: 0, max: 255 });
  fc.assert(fc.property(fc.tuple(byte, byte, byte, byte), fc.integer({ min: 0, max: 65535 }), (address, port) => {
    const text = format(a, address, port);
    assert.equal(text, port ? `${address.join(".")}:${port}` : address.join("."));
    assert.equal(parse(a, String(text)), `${address.join(".")}:${port}`);
  }), { seed: SEED });
});

test("what is no address is refused, and nothing is written", async () => {
  const { a } = await pair();
  const wrong = ["", "1", "1.2.3", "1.2.3.", "1.2.3.4.", "1.2.3.4.5", "256.1.1.1", "1.2.3.04", "a.b.c.d", " 1.2.3.4", "1.2.3.4 ", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:x", "1..2.3", "::1"];
  for (const text of wrong) {
    a.put(NAME, new Uint8Array(16).fill(0xaa));
    assert.equal(parse(a, text), E.WSAEINVAL, `"${text}"`);
    assert.ok(a.bytes(NAME, 16).every((byte) => byte === 0xaa), `"${text}" wrote something`);
  }
});

test("families, rooms and pointers", async () => {
  const { a } = await pair();
  assert.equal(parse(a, "1.2.3.4", { family: AF_INET6 }), E.WSAEAFNOSUPPORT);
  assert.equal(parse(a, "1.2.3.4", { room: 15 }), E.WSAEFAULT);
  assert.equal(a.word(LENGTH), 16, "the size that is needed");
  assert.equal(a.code("WSPStringToAddress", 0, AF_INET, 0, a.at + NAME, a.at + LENGTH), E.WSAEFAULT);
  assert.equal(a.code("WSPStringToAddress", a.at + TEXT, AF_INET, 0, a.at + NAME, 0), E.WSAEFAULT);
  assert.equal(format(a, [10, 0, 0, 1], 80, 11), E.WSAEFAULT);
  assert.equal(a.word(LENGTH), 12, "the characters that are needed");
  assert.equal(format(a, [10, 0, 0, 1], 80, 12), "10.0.0.1:80");
  assert.equal(a.code("WSPAddressToString", a.at + NAME, 15, 0, a.at + TEXT, a.at + LENGTH), E.WSAEFAULT);
  assert.equal(a.code("WSPAddressToString", a.at + NAME, 16, 0, a.at + TEXT, 0), E.WSAEFAULT);
  a.put(NAME, Uint8Array.of(AF_INET6));
  assert.equal(a.code("WSPAddressToString", a.at + NAME, 16, 0, a.at + TEXT, a.at + LENGTH), E.WSAEAFNOSUPPORT);
  assert.equal(a.cleanup(), 0);
  assert.equal(parse(a, "1.2.3.4"), E.WSANOTINITIALISED);
  assert.equal(format(a, [1, 2, 3, 4], 0), E.WSANOTINITIALISED);
});

test("WSPJoinLeaf and WSPGetQOSByName answer as TCP/IP providers do, after the checks that come first", async () => {
  const { a } = await pair();
  const s = a.socket();
  const answer = (name: string, ...args: number[]): number => {
    a.call(name, ...args);
    return a.err;
  };
  a.put(NAME, Uint8Array.of(AF_INET, 0, 0, 80, 10, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0));
  const leaf = (socket: number, name: number): number => answer("WSPJoinLeaf", socket, name, 16, 0, 0, 0, 0, 1);
  assert.equal(leaf(12345, a.at + NAME), E.WSAENOTSOCK);
  assert.equal(leaf(s, 0), E.WSAEFAULT);
  assert.equal(leaf(s, a.at + NAME), E.WSAEOPNOTSUPP);
  assert.equal(leaf(a.socket("udp"), a.at + NAME), E.WSAEOPNOTSUPP);
  assert.equal(answer("WSPGetQOSByName", 12345, a.at + NAME, a.at + NAME), E.WSAENOTSOCK);
  assert.equal(answer("WSPGetQOSByName", s, 0, a.at + NAME), E.WSAEFAULT);
  assert.equal(answer("WSPGetQOSByName", s, a.at + NAME, a.at + NAME), E.WSAEINVAL);
});
