/*
 * Winsock 2 by its own names over lastack.h, for programs written for Windows CE: include it instead of <winsock2.h>, and not
 * together with the system's socket headers. The names are macros, so that no function of the C library is replaced; other headers of
 * the C library may stand before it or behind it.
 *
 * Call lastack_winsock(stack) once, before WSAStartup. A call that waits polls that stack meanwhile (lastack_set_idle). As in
 * Winsock a failed call returns SOCKET_ERROR or INVALID_SOCKET and WSAGetLastError() says why; docs/semantics.md is the contract.
 * The tiny build's send and recv transfer at least one byte and at most what their buffers hold.
 */
#ifndef LASTACK_WINSOCK2_H
#define LASTACK_WINSOCK2_H
#include <stddef.h>
#include <stdint.h>
#include "lastack.h"
/* stdlib.h may include this one, which has names that become macros here: so it comes first. */
#ifdef __has_include
#if __has_include(<sys/select.h>)
#include <sys/select.h>
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef lastack_handle lastack_ws_SOCKET;
#define SOCKET lastack_ws_SOCKET
#define INVALID_SOCKET LASTACK_INVALID_SOCKET
#define SOCKET_ERROR (-1)
#define AF_INET ((int)LASTACK_AF_INET)
#define SOCK_STREAM ((int)LASTACK_SOCK_STREAM)
#define SOCK_DGRAM ((int)LASTACK_SOCK_DGRAM)
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define INADDR_ANY 0u
#define SD_RECEIVE ((int)LASTACK_SD_RECEIVE)
#define SD_SEND ((int)LASTACK_SD_SEND)
#define SD_BOTH ((int)LASTACK_SD_BOTH)
#define SOL_SOCKET ((int)LASTACK_SOL_SOCKET)
#define SO_LINGER ((int)LASTACK_SO_LINGER)
#define SO_DONTLINGER ((int)LASTACK_SO_DONTLINGER)
#define SO_REUSEADDR ((int)LASTACK_SO_REUSEADDR)
#define SO_KEEPALIVE ((int)LASTACK_SO_KEEPALIVE)
#define SO_ERROR ((int)LASTACK_SO_ERROR)
#define TCP_NODELAY 1
#define FIONBIO ((long)LASTACK_FIONBIO)
#define FIONREAD ((long)LASTACK_FIONREAD)
#define WSAEWOULDBLOCK LASTACK_WSAEWOULDBLOCK
#define WSAECONNRESET LASTACK_WSAECONNRESET
#define WSAECONNREFUSED LASTACK_WSAECONNREFUSED
#define WSAETIMEDOUT LASTACK_WSAETIMEDOUT
#define WSAENOTCONN LASTACK_WSAENOTCONN
#define WSAEINVAL LASTACK_WSAEINVAL
#define MAKEWORD(low, high) ((uint16_t)(((low) & 0xff) | ((high) & 0xff) << 8))

struct in_addr {
  uint32_t s_addr; /* network order */
};
struct sockaddr_in {
  uint16_t sin_family;
  uint16_t sin_port; /* network order */
  struct in_addr sin_addr;
  char sin_zero[8];
};
struct sockaddr {
  uint16_t sa_family;
  char sa_data[14];
};
struct linger {
  uint16_t l_onoff;
  uint16_t l_linger; /* seconds */
};
struct lastack_ws_timeval {
  int32_t tv_sec, tv_usec;
};
#define timeval lastack_ws_timeval
/* Winsock's own form: a count and handles, of which there are LASTACK_SET_MOST at most. */
#undef FD_SETSIZE
#define FD_SETSIZE LASTACK_SET_MOST
typedef struct lastack_ws_fd_set {
  uint32_t fd_count;
  SOCKET fd_array[FD_SETSIZE];
} lastack_ws_fd_set;
#undef fd_set
#define fd_set lastack_ws_fd_set
#undef FD_ZERO
#undef FD_SET
#undef FD_CLR
#undef FD_ISSET
#define FD_ZERO(set) ((void)((set)->fd_count = 0))
#define FD_SET(s, set) lastack_ws_FD_SET(s, set)
#define FD_CLR(s, set) lastack_ws_FD_CLR(s, set)
#define FD_ISSET(s, set) lastack_ws_FD_ISSET(s, set)
typedef struct WSAData {
  uint16_t wVersion, wHighVersion;
} WSADATA;

/* The stack that the calls below are made on. */
void lastack_winsock(lastack *);

int lastack_ws_WSAStartup(uint16_t version, WSADATA *data);
int lastack_ws_WSACleanup(void);
int lastack_ws_WSAGetLastError(void);
void lastack_ws_WSASetLastError(int error);
SOCKET lastack_ws_socket(int family, int type, int protocol);
int lastack_ws_bind(SOCKET s, const struct sockaddr *name, int length);
int lastack_ws_listen(SOCKET s, int backlog);
SOCKET lastack_ws_accept(SOCKET s, struct sockaddr *name, int *length);
int lastack_ws_connect(SOCKET s, const struct sockaddr *name, int length);
int lastack_ws_send(SOCKET s, const char *data, int length, int flags);
int lastack_ws_recv(SOCKET s, char *data, int length, int flags);
int lastack_ws_sendto(SOCKET s, const char *data, int length, int flags, const struct sockaddr *to, int to_length);
/* The sender's name is stored if `from` is not NULL. */
int lastack_ws_recvfrom(SOCKET s, char *data, int length, int flags, struct sockaddr *from, int *from_length);
int lastack_ws_getsockname(SOCKET s, struct sockaddr *name, int *length);
int lastack_ws_getpeername(SOCKET s, struct sockaddr *name, int *length);
/* `count` is ignored; a timeout of NULL waits for ever. */
int lastack_ws_select(int count, fd_set *readable, fd_set *writable, fd_set *exceptional, const struct timeval *timeout);
/* Nothing happens if the socket is there, or the set is full. */
void lastack_ws_FD_SET(SOCKET s, fd_set *set);
void lastack_ws_FD_CLR(SOCKET s, fd_set *set);
int lastack_ws_FD_ISSET(SOCKET s, const fd_set *set);
int lastack_ws_shutdown(SOCKET s, int how);
int lastack_ws_closesocket(SOCKET s);
int lastack_ws_setsockopt(SOCKET s, int level, int name, const char *value, int length);
int lastack_ws_getsockopt(SOCKET s, int level, int name, char *value, int *length);
int lastack_ws_ioctlsocket(SOCKET s, long command, unsigned long *argument);
uint16_t lastack_ws_htons(uint16_t v);
uint32_t lastack_ws_htonl(uint32_t v);
/* INADDR_NONE (all ones) if the text is no address. */
uint32_t lastack_ws_inet_addr(const char *text);

#define WSAStartup lastack_ws_WSAStartup
#define WSACleanup lastack_ws_WSACleanup
#define WSAGetLastError lastack_ws_WSAGetLastError
#define WSASetLastError lastack_ws_WSASetLastError
#define socket lastack_ws_socket
#define bind lastack_ws_bind
#define listen lastack_ws_listen
#define accept lastack_ws_accept
#define connect lastack_ws_connect
#define send lastack_ws_send
#define recv lastack_ws_recv
#define sendto lastack_ws_sendto
#define recvfrom lastack_ws_recvfrom
#define getsockname lastack_ws_getsockname
#define getpeername lastack_ws_getpeername
#define select lastack_ws_select
#define shutdown lastack_ws_shutdown
#define closesocket lastack_ws_closesocket
#define setsockopt lastack_ws_setsockopt
#define getsockopt lastack_ws_getsockopt
#define ioctlsocket lastack_ws_ioctlsocket
#define htons lastack_ws_htons
#define ntohs lastack_ws_htons
#define htonl lastack_ws_htonl
#define ntohl lastack_ws_htonl
#define inet_addr lastack_ws_inet_addr

#ifdef __cplusplus
}
#endif
#endif
