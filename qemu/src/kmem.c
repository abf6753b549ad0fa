// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel memory on behalf of a task: names (dentries and inodes), pipes, unix and UDP sockets with data
 * that nobody has read. It is charged while it is there, and no longer when it is gone.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "work-group.h"
#include "work-tenant.h"
#include "work.h"

#define NAMES 300
#define NAME_BYTES 64 /* a dentry has an inline name, a lock, lists and pointers: it is more than that */
#define PIPES 6
#define PIPE_PAGES 16 /* PIPE_DEF_BUFFERS; one is left for a page that is written in two parts */
#define SOCKETS 8
#define SOCKET_BYTES 32768
#define DATAGRAM 8192
#define PATIENCE 100 /* looks, 10 ms apart: RCU frees inodes and socket buffers late */
#define STILL 8	  /* looks that have to be alike */
#define TRIES 3

enum { MAKE_NAMES = TENANT_OWN, DROP_NAMES, FILL_PIPES, FILL_UNIX, FILL_UDP, CLOSE };

static char group[GROUP_PATH];
static struct tenant tenant;
static int open_ends[64];
static size_t ends;
static char data[PAGE];

static void keep(int fd)
{
	if (fd < 0)
		work_wrong("no descriptor: %s", strerror(errno));
	else if (ends < sizeof(open_ends) / sizeof(*open_ends))
		open_ends[ends++] = fd;
}

static void for_names(bool make)
{
	char name[512];
	int fd;

	for (int at = 0; at < NAMES; at++) {
		snprintf(name, sizeof(name), "%s/kmem-%u-%d", work.dir, work.worker, at);
		if (!make) {
			unlink(name);
		} else if ((fd = open(name, O_WRONLY | O_CREAT, 0600)) >= 0) {
			close(fd);
		} else {
			work_wrong("%s: %s", name, strerror(errno));
			return;
		}
	}
}

static void fill(int fd, size_t bytes, size_t each)
{
	static char block[DATAGRAM];

	for (size_t sent = 0; sent < bytes; sent += each)
		if (send(fd, block, each, MSG_DONTWAIT) != (ssize_t)each) {
			work_wrong("%zu of %zu bytes sent: %s", sent, bytes, strerror(errno));
			return;
		}
}

static void fill_pipes(void)
{
	int fds[2];

	for (int at = 0; at < PIPES; at++) {
		if (pipe(fds))
			fds[0] = fds[1] = -1;
		keep(fds[0]);
		keep(fds[1]);
		for (int page = 0; fds[1] >= 0 && page < PIPE_PAGES; page++)
			if (write(fds[1], data, PAGE) != PAGE)
				work_wrong("write to a pipe: %s", strerror(errno));
	}
}

static void fill_unix(void)
{
	int fds[2];

	for (int at = 0; at < SOCKETS; at++) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
			fds[0] = fds[1] = -1;
		keep(fds[0]);
		keep(fds[1]);
		if (fds[1] >= 0)
			fill(fds[1], SOCKET_BYTES, DATAGRAM);
	}
}

static void fill_udp(void)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(here);
	int fd;

	for (int at = 0; at < SOCKETS; at++) {
		here.sin_port = 0;
		keep(fd = socket(AF_INET, SOCK_DGRAM, 0));
		if (bind(fd, (struct sockaddr *)&here, size) || getsockname(fd, (struct sockaddr *)&here, &size) ||
		    connect(fd, (struct sockaddr *)&here, size))
			work_wrong("UDP over loopback: %s", strerror(errno));
		else
			fill(fd, SOCKET_BYTES, DATAGRAM);
	}
}

static void job(int order, size_t value)
{
	switch (order) {
	case MAKE_NAMES: for_names(true); break;
	case DROP_NAMES: for_names(false); break;
	case FILL_PIPES: fill_pipes(); break;
	case FILL_UNIX: fill_unix(); break;
	case FILL_UDP: fill_udp(); break;
	case CLOSE:
		while (ends)
			close(open_ends[--ends]);
		break;
	default: tenant_obey(order, value);
	}
}

/* Of v2, kept apart: mem_cgroup_charge_skmem(). The flush is group_kernel()'s. */
static long long socket_memory(void)
{
	group_kernel(group);
	return work.v2 ? group_get_key(group, "memory.stat", "sock") : -1;
}

static long long kernel_memory(void)
{
	return group_kernel(group);
}

/*
 * What it is once it stands still: what went before is freed late, and would come between two reads.
 * -1: the time was up before.
 */
static long long settled(long long (*charged)(void))
{
	long long last = charged(), now;

	for (int still = 0; still < STILL; still++) {
		usleep(10000);
		now = charged();
		if (now != last)
			still = 0;
		last = now;
		if (!work_goes_on())
			return -1;
	}
	return last;
}

/* The charge once it is at least @least, or at most @most; what it was last when that does not come. */
static long long waited(long long (*charged)(void), long long least, long long most)
{
	long long now = charged();

	for (int look = 0; look < PATIENCE && (now < least || now > most); look++) {
		usleep(10000);
		now = charged();
	}
	return now;
}

struct kind {
	const char *name;
	long long (*charged)(void);
	int make, unmake;
	long long bytes; /* that it has at least */
};

/*
 * Makes and unmakes what is of this @kind: is it charged while it is there, and not when it is gone? Neither is at once: a
 * datagram over loopback is charged by the softirq that receives it, which a busy CPU leaves to ksoftirqd. True also
 * when the time was up before that was known; else @why has what was seen.
 */
static bool comes_and_goes(const struct kind *kind, char *why, size_t size)
{
	long long before = settled(kind->charged), there, gone;

	if (before < 0 || !tenant_do(&tenant, kind->make, 0))
		return true;
	there = waited(kind->charged, before + kind->bytes, LLONG_MAX);
	snprintf(why, size, "at least %lld bytes more are in use, charged before %lld, now %lld", kind->bytes, before, there);
	if (!tenant_do(&tenant, kind->unmake, 0))
		return true;
	if (there < before + kind->bytes)
		return false;
	gone = waited(kind->charged, 0, there - kind->bytes);
	snprintf(why, size, "given back, charged with them %lld, without them %lld", there, gone);
	if (gone > there - kind->bytes)
		return false;
	work_note(kind->name, 1);
	return true;
}

/* What RCU frees later than all patience lasts comes between two reads; what is not charged is missed each time. */
static void check(const struct kind *kind)
{
	char why[160];

	for (int tries = 0; tries < TRIES; tries++)
		if (comes_and_goes(kind, why, sizeof(why)))
			return;
	work_wrong("%s, %d times: %s", kind->name, TRIES, why);
}

static void turn(void)
{
	static const struct kind kinds[] = {
		{ "names", kernel_memory, MAKE_NAMES, DROP_NAMES, NAMES * NAME_BYTES },
		{ "pipes", kernel_memory, FILL_PIPES, CLOSE, PIPES * PIPE_PAGES * PAGE },
		{ "unix_sockets", kernel_memory, FILL_UNIX, CLOSE, SOCKETS * SOCKET_BYTES },
	};
	static const struct kind udp = { "udp_sockets", socket_memory, FILL_UDP, CLOSE, SOCKETS * SOCKET_BYTES };

	for (size_t at = 0; at < sizeof(kinds) / sizeof(*kinds); at++)
		check(&kinds[at]);
	if (work.v2 && socket_memory() >= 0)
		check(&udp);
	work.did.rounds++;
}

static void remove_names(void)
{
	for_names(false);
}

int main(int argc, char **argv)
{
	work_begin(argc, argv);
	work_cleanup = remove_names;
	group_make(group, "kmem");
	if (group_kernel(group) < 0 || (!work.v2 && !group_has(group, "memory.kmem.usage_in_bytes")))
		work_skip("the kernel does not say how much kernel memory is charged: CONFIG_MEMCG_KMEM");
	while (work_goes_on() && !work.did.verify_errors) {
		if (!tenant.pid)
			tenant_start(&tenant, group, 8, job);
		turn();
	}
	tenant_end(&tenant);
	work_end();
}
