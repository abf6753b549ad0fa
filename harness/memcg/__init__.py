# SPDX-License-Identifier: GPL-2.0-only
"""The memory controller's interfaces, samples, invariants and drift. Knows neither QEMU nor SSH."""
