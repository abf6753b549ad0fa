// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver's own pages, mapped: the ring of a packet socket. They are no memory of the group's, and
 * usage must not move by them (until 2.6.28 they were charged while they were mapped, and must go again).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netpacket/packet.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "work-group.h"
#include "work-tenant.h"
#include "work.h"

#define BLOCK_PAGES 4
#define FRAME 2048
#define STOCK 64 /* pages that a CPU charges ahead: MEMCG_CHARGE_BATCH, include/linux/memcontrol.h 6.1 */
#define OTHER 16 /* pages: the tables of the mapping, the socket */

/* As in include/linux/if_packet.h, which musl's headers are without. */
struct tpacket_req {
	unsigned tp_block_size, tp_block_nr, tp_frame_size, tp_frame_nr;
};

enum { MAP = TENANT_OWN, UNMAP };

static char group[GROUP_PATH];
static struct tenant tenant;
static int fd = -1;
static char *ring;
static size_t mapped;

static void map(size_t pages)
{
	struct tpacket_req request = {
		.tp_block_size = BLOCK_PAGES * PAGE,
		.tp_block_nr = (unsigned)(pages / BLOCK_PAGES),
		.tp_frame_size = FRAME,
		.tp_frame_nr = (unsigned)(pages * (PAGE / FRAME)),
	};

	fd = socket(AF_PACKET, SOCK_RAW, 0); /* no protocol: no packets come */
	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof(request)))
		work_fail("packet ring");
	ring = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ring == MAP_FAILED)
		work_fail("mmap of a packet ring");
	mapped = pages;
	for (size_t at = 0; at < pages; at++)
		page_fill(ring + at * PAGE, work.worker, at, 1);
	for (size_t at = 0; at < pages; at++)
		page_check(ring + at * PAGE, work.worker, at, 1);
}

static void job(int order, size_t value)
{
	if (order == MAP) {
		map(value);
	} else if (order == UNMAP) {
		munmap(ring, mapped * PAGE);
		close(fd);
	} else {
		tenant_obey(order, value);
	}
}

static void turn(void)
{
	size_t pages = (work.pages / 2 + work_random(work.pages / 2)) / BLOCK_PAGES * BLOCK_PAGES;
	long long slack = group_is_old() ? 0 : (STOCK * group_cpus() + OTHER) * PAGE;
	long long before = group_get(group, group_usage_file()), with, after;

	if (!tenant_do(&tenant, MAP, pages))
		return;
	with = group_get(group, group_usage_file());
	if (!tenant_do(&tenant, UNMAP, 0))
		return;
	after = group_get(group, group_usage_file());
	/* insert_page(), mm/memory.c 2.6.27, charges each; 2.6.29 does not. */
	if (with > before + slack + (group_is_old() ? (long long)pages * PAGE : 0))
		work_wrong("a ring of %zu pages moved usage from %lld to %lld", pages, before, with);
	if (after > before + slack)
		work_wrong("a ring of %zu pages is gone, usage was %lld, is %lld", pages, before, after);
	work_note("rings", 1);
	work_note("ring_pages", pages);
	work.did.rounds++;
}

int main(int argc, char **argv)
{
	int probe;
	struct tpacket_req none = { 0 };

	work_begin(argc, argv);
	probe = socket(AF_PACKET, SOCK_RAW, 0);
	if (probe < 0 || setsockopt(probe, SOL_PACKET, PACKET_RX_RING, &none, sizeof(none)))
		work_skip("the kernel maps no packet sockets: CONFIG_PACKET, CONFIG_PACKET_MMAP");
	close(probe);
	group_make(group, "ring");
	tenant_start(&tenant, group, 8, job);
	tenant_do(&tenant, MAP, 64); /* the first one brings in code, stack and tables */
	tenant_do(&tenant, UNMAP, 0);
	while (work_goes_on() && !work.did.verify_errors && tenant.pid)
		turn();
	tenant_end(&tenant);
	work_end();
}
