/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel's map says is wired must be what its entries say: the
 * limit on wiring without privilege goes by the former.
 */

#include <syscalls.h>
#include <testlib.h>

#include <mach/mach_types.h>
#include <mach/vm_prot.h>
#include <mach_debug/vm_info.h>

#include <gnumach.user.h>
#include <mach.user.h>
#include <mach_debug.user.h>
#include <mach_host.user.h>

#define LIMIT (8UL << 20)
/* The kernel allocates meanwhile.  */
#define SLACK (64 * vm_page_size)
/* Nothing is mapped here, so nothing gets wired.  */
#define NOWHERE 0x1000

/* There are two tasks: the kernel's and this one.  */
static task_t find_kernel_task(void)
{
  processor_set_name_t name;
  processor_set_t set;
  task_t *tasks;
  mach_msg_type_number_t n;
  int err;

  err = processor_set_default(mach_host_self(), &name);
  ASSERT_RET(err, "processor_set_default");
  err = host_processor_set_priv(host_priv(), name, &set);
  ASSERT_RET(err, "host_processor_set_priv");
  err = processor_set_tasks(set, &tasks, &n);
  ASSERT_RET(err, "processor_set_tasks");
  ASSERT(n == 2, "expected the kernel's task and this one");
  return tasks[0] == mach_task_self() ? tasks[1] : tasks[0];
}

static vm_size_t wired_by_entries(task_t task)
{
  vm_region_info_t region;
  mach_port_t object;
  vm_address_t address = 0;
  vm_size_t sum = 0;

  while (!mach_vm_region_info(task, address, &region, &object))
    {
      if (object != MACH_PORT_NULL)
        mach_port_deallocate(mach_task_self(), object);
      if (region.vri_wired_count)
        sum += region.vri_end - region.vri_start;
      if (region.vri_end <= address)
        break;
      address = region.vri_end;
    }
  return sum;
}

static bool may_wire(task_t task, vm_size_t size)
{
  return vm_wire(mach_host_self(), task, NOWHERE, size, VM_PROT_READ)
         != KERN_NO_ACCESS;
}

int main(int argc, char *argv[], int envc, char *envp[])
{
  task_t kernel_task = find_kernel_task();
  vm_size_t wired = wired_by_entries(kernel_task);

  printf("%lu bytes are wired by their entries\n", (unsigned long)wired);
  ASSERT(wired > SLACK, "the kernel wires more than that");
  if (wired + SLACK < LIMIT)
    ASSERT(may_wire(kernel_task, LIMIT - wired - SLACK), "the sum is too high");
  ASSERT(!may_wire(kernel_task, wired < LIMIT ? LIMIT - wired + SLACK : SLACK),
         "the sum is too low");
  return 0;
}
