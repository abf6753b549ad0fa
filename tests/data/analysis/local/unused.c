// SPDX-License-Identifier: GPL-2.0-only
#define LEAVE() goto quiet_macro
#define COPY(size) (copy_##size = 1)
#define SUM() (first + second)

int leftover(struct item *item)
{
	struct zone *zone; /* finds: unused-variable */
	unsigned long flags = 0; /* finds: unused-variable */
	int last; /* finds: unused-variable */

	/* flags and zone and done are spoken of here */
	last = item->count;
	if (item->count)
		return 1;
done: /* finds: unused-label */
	return 0;
}

int quiet(struct item *item)
{
	int first = 1, second = 2;
	int unused __maybe_unused;
	volatile int read;
	int kept;
	int copy_u8;
#ifdef CONFIG_SMP
	int cpu = 0;
#endif

	if (item->count)
		LEAVE();
	if (item->old)
		goto out;
	work(kept = item->count);
	COPY(u8);
	read = item->port;
#ifdef CONFIG_SMP
	work(cpu);
#endif
out:
	return SUM();
quiet_macro:
	return 2;
}

int quiet_address(void)
{
	static const void *labels[] = { &&first };

	goto *labels[0];
first:
	return 0;
}
