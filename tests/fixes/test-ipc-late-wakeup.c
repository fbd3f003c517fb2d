/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads wait for messages for so short that their time is often up just
 * when one comes.  Who sent it must not wake them once more, later.
 */

#include <syscalls.h>
#include <testlib.h>

#include <mach/mach_types.h>
#include <mach/message.h>
#include <mach/processor_info.h>

#include <mach.user.h>
#include <mach_host.user.h>
#include <mach_port.user.h>

#define SECONDS 20
#define PAIRS 3

static volatile bool started, stop, ended[2 * PAIRS];
static volatile unsigned received, sent;
static mach_port_t ports[PAIRS];

/* With one CPU, or one set of them, the threads run where the test does.  */
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
    {
      printf("no other CPUs: staying on this one\n");
      return MACH_PORT_NULL;
    }
  err = host_processor_set_priv(host_priv(), name, &other);
  ASSERT_RET(err, "host_processor_set_priv");
  return other;
}

static void receive(mach_port_t port)
{
  struct
  {
    mach_msg_header_t head;
    char rest[64];
  } message;
  int err;

  err = mach_msg(&message.head, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0,
                 sizeof message, port, 1, MACH_PORT_NULL);
  if (err == MACH_RCV_TIMED_OUT)
    return;
  ASSERT_RET(err, "mach_msg, receive");
  __sync_fetch_and_add(&received, 1);
}

static void send(mach_port_t port)
{
  mach_msg_header_t head = {
    .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MAKE_SEND, 0),
    .msgh_size = sizeof head,
    .msgh_remote_port = port,
  };
  int err;

  /* Whoever received from it may have ended.  */
  err = mach_msg(&head, MACH_SEND_MSG | MACH_SEND_TIMEOUT, sizeof head, 0,
                 MACH_PORT_NULL, 100, MACH_PORT_NULL);
  if (err == MACH_SEND_TIMED_OUT)
    return;
  ASSERT_RET(err, "mach_msg, send");
  __sync_fetch_and_add(&sent, 1);
}

static void thread_main(void *arg)
{
  long self = (long)arg;

  while (!started)
    msleep(10);
  while (!stop)
    if (self < PAIRS)
      receive(ports[self]);
    else
      send(ports[self - PAIRS]);
  ended[self] = true;
  thread_terminate(mach_thread_self());
  FAILURE("thread_terminate");
}

int main(int argc, char *argv[], int envc, char *envp[])
{
  processor_set_t other = other_cpus();
  bool busy;
  int err;

  for (long i = 0; i < 2 * PAIRS; i++)
    {
      thread_t thread;

      if (i < PAIRS)
        {
          err = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE,
                                   &ports[i]);
          ASSERT_RET(err, "mach_port_allocate");
        }
      thread = test_thread_start(mach_task_self(), thread_main, (void *)i);
      if (other != MACH_PORT_NULL)
        {
          err = thread_assign(thread, other);
          ASSERT_RET(err, "thread_assign");
        }
    }
  started = true;
  msleep(SECONDS * 1000);
  stop = true;
  do
    {
      msleep(100);
      busy = false;
      for (int i = 0; i < 2 * PAIRS; i++)
        busy |= !ended[i];
    }
  while (busy);
  ASSERT(received > 0, "no message was received");
  printf("%u messages sent, %u received\n", sent, received);
  return 0;
}
