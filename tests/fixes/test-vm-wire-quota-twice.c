/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A task without privilege may wire again what it has wired, and not more
 * than its quota.
 */

#include <syscalls.h>
#include <testlib.h>

#include <mach/mach_types.h>
#include <mach/vm_prot.h>

#include <gnumach.user.h>
#include <mach.user.h>
#include <mach_host.user.h>

/* Of the eight that are allowed.  */
#define SIZE (5 << 20)

int main(int argc, char *argv[], int envc, char *envp[])
{
  vm_address_t region[2];
  int err;

  for (int i = 0; i < 2; i++)
    {
      err = vm_allocate(mach_task_self(), &region[i], SIZE, TRUE);
      ASSERT_RET(err, "vm_allocate");
    }

  err = vm_wire(mach_host_self(), mach_task_self(), region[0], SIZE,
                VM_PROT_DEFAULT);
  ASSERT_RET(err, "vm_wire");
  err = vm_wire(mach_host_self(), mach_task_self(), region[0], SIZE,
                VM_PROT_DEFAULT);
  ASSERT_RET(err, "vm_wire again");
  err = vm_wire(mach_host_self(), mach_task_self(),
                region[0] + SIZE / 2, SIZE / 4, VM_PROT_READ);
  ASSERT_RET(err, "vm_wire a part");

  err = vm_wire(mach_host_self(), mach_task_self(), region[1], SIZE,
                VM_PROT_DEFAULT);
  ASSERT(err == KERN_NO_ACCESS, "wired more than the quota");
  err = vm_wire(mach_host_self(), mach_task_self(), region[1], SIZE / 2,
                VM_PROT_DEFAULT);
  ASSERT_RET(err, "vm_wire what is left of the quota");
  return 0;
}
