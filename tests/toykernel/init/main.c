// SPDX-License-Identifier: GPL-2.0-only
int start_kernel(void);

int start_kernel(void)
{
#ifdef CONFIG_DEBUG_VM
	return 1;
#else
	return 0;
#endif
}
