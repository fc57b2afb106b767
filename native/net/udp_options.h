// Socket option names as this system spells them. Private to udp_*.cc.
#pragma once

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include "net/platform.h"

namespace hawser::net {

#if HAWSER_NET_LINUX

// From Linux 4.18 and 5.0; missing in older headers.
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#endif  // HAWSER_NET_LINUX

#if defined(__linux__)

// PROBE: set DF and look only at the interface's MTU, not at the kernel's path MTU cache.
inline constexpr int kDontFragmentIpv4 = IP_MTU_DISCOVER;
inline constexpr int kDontFragmentIpv4Value = IP_PMTUDISC_PROBE;
inline constexpr int kDontFragmentIpv6 = IPV6_MTU_DISCOVER;
inline constexpr int kDontFragmentIpv6Value = IPV6_PMTUDISC_PROBE;
inline constexpr int kForceReceiveBuffer = SO_RCVBUFFORCE;
inline constexpr int kForceSendBuffer = SO_SNDBUFFORCE;
inline constexpr bool kBufferReportedDoubled = true;

#else

// -1: the system has no such option; setting it fails and the feature is reported as missing.
#if defined(IP_DONTFRAG)
inline constexpr int kDontFragmentIpv4 = IP_DONTFRAG;
#else
inline constexpr int kDontFragmentIpv4 = -1;
#endif
inline constexpr int kDontFragmentIpv4Value = 1;
#if defined(IPV6_DONTFRAG)
inline constexpr int kDontFragmentIpv6 = IPV6_DONTFRAG;
#else
inline constexpr int kDontFragmentIpv6 = -1;
#endif
inline constexpr int kDontFragmentIpv6Value = 1;
inline constexpr int kForceReceiveBuffer = -1;
inline constexpr int kForceSendBuffer = -1;
inline constexpr bool kBufferReportedDoubled = false;

#endif

}  // namespace hawser::net
