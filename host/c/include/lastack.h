/*
 * Lastack for C: the core of lastack.tiny.wasm translated to C, for boards without an operating system and for Linux.
 *
 * An embedder supplies five functions and calls lastack_poll again and again; everything else happens inside it. Nothing here
 * blocks unless its name ends in _blocking, and nothing allocates. A stack is used by one thread at a time. Numbers (LASTACK_...)
 * are those of Winsock and stand in lastack_abi.h; addresses are four bytes in network order, ports in host order.
 *
 * A socket call that fails returns -1 (lastack_socket and lastack_accept: LASTACK_INVALID_SOCKET) and stores the Winsock error
 * behind `error`. LASTACK_WAIT there means: nothing is wrong, poll and repeat the same call.
 */
#ifndef LASTACK_H
#define LASTACK_H
#include <stddef.h>
#include <stdint.h>
#include "lastack_abi.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lastack_ops {
  /* The next received Ethernet frame without its checksum into `frame`: its length, 0 if there is none now. */
  int (*frame_recv)(void *ctx, uint8_t *frame, size_t capacity);
  /* Sends one frame: `length`, or 0 if the device is full (the stack keeps it and tries at the next poll), or -1 if it is broken. */
  int (*frame_send)(void *ctx, const uint8_t *frame, size_t length);
  /* A clock that never goes back, in milliseconds; where it starts does not matter. */
  uint64_t (*now_ms)(void *ctx);
  /* Fills with bytes an attacker cannot predict: initial sequence numbers and ports come from them. */
  void (*random)(void *ctx, void *bytes, size_t length);
  /*
   * The core met a fault of its own: an access outside linear memory, say. Must not return; the stack's state is void, and
   * only lastack_open may be called for it. Usual is longjmp to where lastack_open is called, or a reset.
   */
  void (*trap)(void *ctx, int reason);
  void *ctx;
} lastack_ops;

typedef struct lastack lastack;
typedef uint32_t lastack_handle;

/* What became of a closed socket (LASTACK_OUTCOME_, LASTACK_CAUSE_). */
typedef struct lastack_report {
  lastack_handle handle;
  uint32_t outcome, cause;
  int32_t error;
  uint32_t sent, acknowledged, unacknowledged, discarded; /* bytes, modulo 2^32 */
  uint32_t peer_fin, duration_ms;
} lastack_report;

/*
 * Starts a stack, or starts it anew: whatever it had is gone without a word on the wire. `number` is 0 up to LASTACK_STACKS - 1
 * (a build setting, 1 on devices). `ops` must stay where it is. NULL if the number is out of range or configuring fails.
 */
lastack *lastack_open(unsigned number, const lastack_ops *ops);
/* The core as it is before it is configured, for those who call its exports themselves. */
void lastack_restart(lastack *);
/* Adds the device behind the ops, at most once; returns its interface, or LASTACK_E_x. mtu 576 to 1500. */
int lastack_device(lastack *, const uint8_t mac[6], unsigned mtu);
/* Gives an interface an address with `prefix` bits of network. 0, or LASTACK_E_x. */
int lastack_address(lastack *, int interface, const uint8_t address[4], unsigned prefix);
/* Packets for `destination`/`prefix` go through `gateway`. 0, or LASTACK_E_x. */
int lastack_route(lastack *, int interface, const uint8_t destination[4], unsigned prefix, const uint8_t gateway[4]);
/* Receives, times, sends. Milliseconds until the next deadline: 0 = at once, -1 = only a frame or a call brings news. */
int lastack_poll(lastack *);

lastack_handle lastack_socket(lastack *, int type, int *error);
int lastack_bind(lastack *, lastack_handle, const uint8_t address[4], uint16_t port, int *error);
int lastack_listen(lastack *, lastack_handle, int backlog, int *error);
/* The peer's address and port are stored if the pointers are not NULL. */
lastack_handle lastack_accept(lastack *, lastack_handle, uint8_t address[4], uint16_t *port, int *error);
int lastack_connect(lastack *, lastack_handle, const uint8_t address[4], uint16_t port, int *error);
/* Bytes taken into the send buffer: at least 1, at most `length`. They are not sent before the next poll. */
int lastack_send(lastack *, lastack_handle, const void *data, size_t length, int *error);
/* Bytes received, 0 after the peer's FIN. */
int lastack_recv(lastack *, lastack_handle, void *data, size_t capacity, int *error);
/* Datagrams. The longest that passes: as much as the memory given is larger than what the core uses, and 192 bytes at least. */
size_t lastack_datagram_most(lastack *);
/* `length`; LASTACK_WSAEMSGSIZE beyond lastack_datagram_most or the interface's MTU. A socket without a port gets one. */
int lastack_sendto(lastack *, lastack_handle, const void *data, size_t length, const uint8_t address[4], uint16_t port, int *error);
/* Bytes of the oldest datagram; if it was longer than `capacity` or lastack_datagram_most its end is lost: -1, LASTACK_WSAEMSGSIZE. */
int lastack_recvfrom(lastack *, lastack_handle, void *data, size_t capacity, uint8_t address[4], uint16_t *port, int *error);
/* The socket's own address and port, and its peer's; the pointers may be NULL. */
int lastack_sockname(lastack *, lastack_handle, uint8_t address[4], uint16_t *port, int *error);
int lastack_peername(lastack *, lastack_handle, uint8_t address[4], uint16_t *port, int *error);
#define LASTACK_SET_MOST 8
/* Sockets to look at, and then those of them that are ready. */
typedef struct lastack_set {
  uint32_t count;
  lastack_handle sockets[LASTACK_SET_MOST];
} lastack_set;
/*
 * How many sockets are ready, over the three sets, of which any may be NULL and not all; the others are taken out of the sets. 0: none,
 * and the time is up. While it waits (LASTACK_WAIT) the sets stay as they are. wait_ms: -1 for ever, 0 not at all.
 */
int lastack_select(lastack *, lastack_set *readable, lastack_set *writable, lastack_set *exceptional, int wait_ms, int *error);
/* how: LASTACK_SD_x. After LASTACK_SD_SEND and the last byte a FIN follows. */
int lastack_shutdown(lastack *, lastack_handle, int how, int *error);
/* Closes by the socket's linger option (docs/semantics.md, chapters C and L); exactly one report follows. */
int lastack_close(lastack *, lastack_handle, int *error);
/* Options of up to 64 bytes, LASTACK_SO_x and others. */
int lastack_setsockopt(lastack *, lastack_handle, int level, int name, const void *value, int length, int *error);
int lastack_getsockopt(lastack *, lastack_handle, int level, int name, void *value, int *length, int *error);
/* Calls answer 10035 instead of LASTACK_WAIT (FIONBIO). */
int lastack_nonblocking(lastack *, lastack_handle, int on, int *error);
/* Bytes received and not read (FIONREAD). */
int lastack_unread(lastack *, lastack_handle, uint32_t *bytes, int *error);
/* LASTACK_TCP_x of a socket, -1 if it has none. */
int lastack_state(lastack *, lastack_handle);
/* The oldest close report: 1, or 0 if there is none. */
int lastack_report_pull(lastack *, lastack_report *);
/* Counter LASTACK_STAT_x, modulo 2^32. */
uint32_t lastack_stat(lastack *, unsigned counter);

/* The calls above, polling until they can be answered. `idle`, if not NULL, is told how long it may sleep between two polls. */
typedef void lastack_idle(void *ctx, int milliseconds);
void lastack_set_idle(lastack *, lastack_idle *idle);
/* One poll, and the sleep that may follow it: what a program does between two tries of a call that has to wait. */
void lastack_wait(lastack *);
lastack_handle lastack_accept_blocking(lastack *, lastack_handle, uint8_t address[4], uint16_t *port, int *error);
int lastack_connect_blocking(lastack *, lastack_handle, const uint8_t address[4], uint16_t port, int *error);
/* All of `length`, or -1. */
int lastack_send_blocking(lastack *, lastack_handle, const void *data, size_t length, int *error);
int lastack_recv_blocking(lastack *, lastack_handle, void *data, size_t capacity, int *error);
int lastack_sendto_blocking(lastack *, lastack_handle, const void *data, size_t length, const uint8_t address[4], uint16_t port, int *error);
int lastack_recvfrom_blocking(lastack *, lastack_handle, void *data, size_t capacity, uint8_t address[4], uint16_t *port, int *error);
int lastack_select_blocking(lastack *, lastack_set *readable, lastack_set *writable, lastack_set *exceptional, int wait_ms, int *error);
/* Closes and waits for the report of this close; reports of others that come meanwhile are dropped. */
int lastack_close_blocking(lastack *, lastack_handle, lastack_report *, int *error);

/* "graceful", "reset by peer", ...: the words of a report's outcome. */
const char *lastack_outcome_name(uint32_t outcome);

#ifdef __cplusplus
}
#endif
#endif
