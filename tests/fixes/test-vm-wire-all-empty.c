/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm_wire_all finds nothing to wire in a task without memory.
 */

#include <syscalls.h>
#include <testlib.h>

#include <mach/mach_types.h>
#include <mach/vm_wire.h>

#include <gnumach.user.h>
#include <mach.user.h>

int main(int argc, char *argv[], int envc, char *envp[])
{
  static const vm_wire_t flags[] = { VM_WIRE_CURRENT, VM_WIRE_ALL,
                                     VM_WIRE_NONE };
  task_t empty;
  int err;

  err = task_create(mach_task_self(), FALSE, &empty);
  ASSERT_RET(err, "task_create");
  for (int i = 0; i < 3; i++)
    {
      err = vm_wire_all(host_priv(), empty, flags[i]);
      ASSERT_RET(err, "vm_wire_all");
    }
  err = task_terminate(empty);
  ASSERT_RET(err, "task_terminate");
  return 0;
}
