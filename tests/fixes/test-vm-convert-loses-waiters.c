/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two threads touch the same fresh pages of memory that was copied many
 * times.  Who waits for a page that the other fills with zeros must be woken.
 */

#include <syscalls.h>
#include <testlib.h>

#include <mach/mach_types.h>
#include <mach/processor_info.h>
#include <mach/vm_param.h>

#include <mach.user.h>
#include <mach_host.user.h>

#define SECONDS 20
#define PAGES 512
#define COPIES 64
#define MOST_LATE 4096

static vm_address_t memory, copies[COPIES];
static volatile unsigned made, turns[2];
static volatile bool stop, ended[2];

/* The set of the other CPUs, if there is one.  */
static processor_set_t other_cpus(void)
{
  processor_set_name_t *sets, default_set, name = MACH_PORT_NULL;
  processor_set_t other;
  mach_msg_type_number_t n, count;
  struct processor_set_basic_info info;
  mach_port_t host;
  int err;

  err = processor_set_default(mach_host_self(), &default_set);
  ASSERT_RET(err, "processor_set_default");
  err = host_processor_sets(host_priv(), &sets, &n);
  ASSERT_RET(err, "host_processor_sets");
  for (mach_msg_type_number_t i = 0; i < n; i++)
    {
      count = PROCESSOR_SET_BASIC_INFO_COUNT;
      err = processor_set_info(sets[i], PROCESSOR_SET_BASIC_INFO, &host,
                               (processor_set_info_t)&info, &count);
      ASSERT_RET(err, "processor_set_info");
      if (sets[i] != default_set && info.processor_count > 0)
        name = sets[i];
    }
  if (name == MACH_PORT_NULL)
    return MACH_PORT_NULL;
  err = host_processor_set_priv(host_priv(), name, &other);
  ASSERT_RET(err, "host_processor_set_priv");
  return other;
}

/*
 * Each copy and the store after it put one more object in front.  As the
 * stores go to different pages, no object is passed over.
 */
static void make_memory(void)
{
  vm_size_t size = PAGES * vm_page_size;
  mach_msg_type_number_t n;
  int err;

  err = vm_allocate(mach_task_self(), &memory, size, TRUE);
  ASSERT_RET(err, "vm_allocate");
  for (int i = 0; i < COPIES; i++)
    {
      *(volatile int *)(memory + i * vm_page_size) = 1;
      err = vm_read(mach_task_self(), memory, size, &copies[i], &n);
      ASSERT_RET(err, "vm_read");
    }
  *(volatile int *)(memory + COPIES * vm_page_size) = 1;
}

static void drop_memory(void)
{
  vm_size_t size = PAGES * vm_page_size;
  int err;

  for (int i = 0; i < COPIES; i++)
    {
      err = vm_deallocate(mach_task_self(), copies[i], size);
      ASSERT_RET(err, "vm_deallocate");
    }
  err = vm_deallocate(mach_task_self(), memory, size);
  ASSERT_RET(err, "vm_deallocate");
}

static void await_other(long self)
{
  turns[self]++;
  while (turns[!self] < turns[self] && !stop)
    continue;
}

static void touch_memory(long self, unsigned *random)
{
  for (int page = COPIES + 1; page < PAGES && !stop; page++)
    {
      await_other(self);
      *random = *random * 1103515245 + 12345;
      if (self)
        for (volatile unsigned late = *random >> 16 & (MOST_LATE - 1); late;)
          late--;
      (void)*(volatile int *)(memory + page * vm_page_size);
    }
  await_other(self);
}

static void toucher(void *arg)
{
  long self = (long)arg;
  unsigned random = 1;

  for (unsigned round = 1; !stop; round++)
    {
      if (self == 0)
        {
          make_memory();
          made = round;
        }
      else
        while (made < round && !stop)
          continue;
      touch_memory(self, &random);
      /* At the end the other may still be at it.  */
      if (self == 0 && !stop)
        drop_memory();
    }
  ended[self] = true;
  thread_terminate(mach_thread_self());
  FAILURE("thread_terminate");
}

int main(int argc, char *argv[], int envc, char *envp[])
{
  processor_set_t other = other_cpus();
  unsigned before;
  int err;

  if (other == MACH_PORT_NULL)
    printf("no other CPUs: the threads cannot meet\n");
  for (long i = 0; i < 2; i++)
    {
      thread_t thread = test_thread_start(mach_task_self(), toucher,
                                          (void *)i);
      if (i == 1 && other != MACH_PORT_NULL)
        {
          err = thread_assign(thread, other);
          ASSERT_RET(err, "thread_assign");
        }
    }
  for (int i = 0; i < SECONDS / 2; i++)
    {
      before = turns[0] + turns[1];
      msleep(2000);
      ASSERT(turns[0] + turns[1] != before,
             "a thread waits for a page, and is not woken");
    }
  stop = true;
  do
    msleep(100);
  while (!ended[0] || !ended[1]);
  printf("%u pages\n", turns[1]);
  return 0;
}
