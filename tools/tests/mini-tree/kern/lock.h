/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MINI_LOCK_H
#define MINI_LOCK_H

#include_next <kern/lock.h>

#define simple_lock(lock) \
	while (__sync_lock_test_and_set(&(lock)->lock_data, 1)) {}
#define simple_unlock(lock) __sync_lock_release(&(lock)->lock_data)

#endif /* MINI_LOCK_H */
