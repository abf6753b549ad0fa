// SPDX-License-Identifier: GPL-2.0-only
struct sink {
	int count;
	struct item *next;
};
struct batch {
	int count;
	struct page *pages[16];
};
struct totals {
	unsigned long charged;
	unsigned long freed;
};
static DEFINE_PER_CPU(struct sink, sinks); /* finds: per-cpu-hotplug */
static DEFINE_PER_CPU(struct pagevec, parked); /* finds: per-cpu-hotplug */
static DEFINE_PER_CPU(struct totals, quiet_totals);
static DEFINE_PER_CPU(struct sink, quiet_drained);
static DEFINE_PER_CPU(struct batch, batches); /* finds: per-cpu-hotplug */
static DEFINE_PER_CPU(struct sink *, heads); /* finds: per-cpu-hotplug */
static DEFINE_PER_CPU(struct batch *, quiet_current);

void park(struct item *item)
{
	struct sink *sink = &get_cpu_var(sinks);

	item->next = sink->next;
	sink->next = item;
	put_cpu_var(sinks);
	pagevec_add(&__get_cpu_var(parked), item->page);
	add(&__get_cpu_var(batches), item, __get_cpu_var(heads), __get_cpu_var(quiet_current));
	__get_cpu_var(quiet_totals).freed++;
	__get_cpu_var(quiet_drained).next = item;
}

void drain(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		release(&per_cpu(quiet_drained, cpu));
}
