// Which kernel features this build may use. Everything outside Linux takes the portable path:
// one datagram a system call, poll() and a pipe. HAWSER_NET_PORTABLE forces that path on Linux, so
// that it can be built and tested there.
#pragma once

#if defined(__linux__) && !defined(HAWSER_NET_PORTABLE)
#define HAWSER_NET_LINUX 1
#else
#define HAWSER_NET_LINUX 0
#endif

// A socket that is bound alone may let others have its port afterwards; the portable path does not
// forget what system it runs on.
#if defined(__linux__)
#define HAWSER_NET_SHARES_PORT_LATER true
#else
#define HAWSER_NET_SHARES_PORT_LATER false
#endif
