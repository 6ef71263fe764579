"""``python -m sandbox``: serves the sandbox until it is stopped."""

import argparse
import logging
import signal
import sys

from . import incoming_scripts, ring, scripts, switches
from .server import CannotListenError, Sandbox
from .settings import DIALECTS, Settings

STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT}


def make_parser():
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="A stand-in for Airtel CCP: rings nobody, but reports as if it did.",
        epilog="The customer's number (addParticipant) chooses what happens; a number that is not "
        f"in this list connects:\n\n{scripts.text_table()}\n\n"
        "--ring CUSTOMER --to AIRTEL_NUMBER lets a customer call, at a sandbox that runs already. "
        "The customer's last five\ndigits, or --script, choose what happens; with others the first "
        f"agent answers:\n\n{incoming_scripts.text_table()}\n\n"
        f"Switches, as in --switch missedStatus=Busy:\n\n{switches.text_table()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    default = Settings()
    parser.add_argument("--host", default=default.host, help="default: %(default)s")
    parser.add_argument(
        "--port", type=int, default=default.port, help="default: %(default)s; 0 takes a free one"
    )
    parser.add_argument(
        "--speed",
        type=float,
        default=default.speed,
        help="every wait of a call is divided by it; default: %(default)s",
    )
    parser.add_argument("--user", default=default.user, help="default: %(default)s")
    parser.add_argument("--password", default=default.password, help="default: %(default)s")
    parser.add_argument("--customer-id", default=default.customer_id, help="default: %(default)s")
    parser.add_argument(
        "--flow",
        action="append",
        metavar="CODE",
        help=f"a callFlowId that the account has, repeatable; default: {' '.join(default.flows)}",
    )
    parser.add_argument(
        "--caller-number",
        action="append",
        metavar="NUMBER",
        help="a callerId that the account owns, repeatable; default: "
        + " ".join(default.caller_numbers),
    )
    parser.add_argument(
        "--require-caller-id",
        action="store_true",
        help="refuse a request that leaves out a callerId that the specification's tables require",
    )
    parser.add_argument(
        "--dialect",
        choices=DIALECTS,
        default=default.dialect,
        help="of the CDR; default: %(default)s (from call to call)",
    )
    parser.add_argument(
        "--public-url",
        metavar="URL",
        help="what recording URLs begin with; default: the address that is listened at",
    )
    parser.add_argument(
        "--path", default=default.path, help="of the API, after any prefix; default: %(default)s"
    )
    parser.add_argument("--seed", type=int, help="makes ids, tokens and shuffles repeatable")
    parser.add_argument(
        "--callback-attempts",
        type=int,
        default=default.callback_attempts,
        metavar="N",
        help="how often a report is posted until it is answered 200; default: %(default)s",
    )
    parser.add_argument(
        "--callback-pause",
        type=float,
        default=default.callback_pause,
        metavar="SECONDS",
        help="between two attempts, divided by the speed; default: %(default)s",
    )
    parser.add_argument(
        "--callback-timeout",
        type=float,
        default=default.callback_timeout,
        metavar="SECONDS",
        help="that a receiver may take to answer; default: %(default)s",
    )
    parser.add_argument(
        "--callback-ca",
        metavar="FILE",
        help="certificates to trust for https receivers, beside the system's",
    )
    parser.add_argument("--quiet", action="store_true", help="no line for each POST and report")
    _add_incoming(parser, default)
    _add_ring(parser)
    parser.add_argument(
        "--scripts-markdown",
        action="store_true",
        help="print the scripts and the switches as Markdown tables and stop",
    )
    return parser


def _add_incoming(parser, default):
    group = parser.add_argument_group(
        "incoming calls", "what happens with them, unless POST /sandbox/number says otherwise"
    )
    group.add_argument(
        "--route-url",
        metavar="URL",
        default=default.route_url,
        help="where Airtel asks whom to ring; default: it asks nobody",
    )
    group.add_argument(
        "--route-header",
        metavar="NAME",
        default=default.route_header,
        help="header that it sends the secret in; Authorization with user:password means Basic",
    )
    group.add_argument("--route-secret", metavar="TEXT", default=default.route_secret)
    group.add_argument(
        "--notify-url",
        metavar="URL",
        default=default.notify_url,
        help="where it reports; default: nowhere",
    )
    group.add_argument("--notify-header", metavar="NAME", default=default.notify_header)
    group.add_argument("--notify-secret", metavar="TEXT", default=default.notify_secret)
    group.add_argument(
        "--desk",
        metavar="NUMBER",
        default=default.desk_number,
        help="rings if nobody is asked or the answer is no good; default: %(default)s",
    )


def _add_ring(parser):
    group = parser.add_argument_group("call in, at the sandbox that runs at --host and --port")
    group.add_argument("--ring", metavar="CUSTOMER", help="the customer's number")
    group.add_argument("--to", metavar="NUMBER", help="the Airtel number that the customer calls")
    group.add_argument("--digit", help="that the customer presses in Airtel's menu")
    group.add_argument("--script", metavar="NAME", help="what happens; default: by the number")
    group.add_argument(
        "--switch", action="append", default=[], metavar="NAME=VALUE", help="repeatable"
    )


def make_sandbox(options):
    """Return the Sandbox with the options of the command line.

    :raises ValueError: when an option can't work
    """
    default = Settings()
    return Sandbox(
        host=options.host,
        port=options.port,
        speed=options.speed,
        user=options.user,
        password=options.password,
        customer_id=options.customer_id,
        flows=options.flow or default.flows,
        caller_numbers=options.caller_number or default.caller_numbers,
        caller_id_required=options.require_caller_id,
        dialect=options.dialect,
        public_url=options.public_url,
        path=options.path,
        seed=options.seed,
        callback_attempts=options.callback_attempts,
        callback_pause=options.callback_pause,
        callback_timeout=options.callback_timeout,
        callback_ca=options.callback_ca,
        route_url=options.route_url,
        route_header=options.route_header,
        route_secret=options.route_secret,
        notify_url=options.notify_url,
        notify_header=options.notify_header,
        notify_secret=options.notify_secret,
        desk_number=options.desk,
    )


def main(arguments=None):
    """Serve until SIGTERM or Ctrl-C, or let a customer call through a running sandbox.

    :param arguments: list of texts; None: the command line's
    :return: exit code: 0, or 1 when it can't start or the call can't be made
    """
    parser = make_parser()
    options = parser.parse_args(arguments)
    if options.scripts_markdown:
        tables = (scripts, incoming_scripts, switches)
        print("\n\n".join(module.markdown_table() for module in tables))
        return 0
    if options.ring is not None:
        return ring.main(options)
    if options.to or options.digit or options.script or options.switch:
        parser.error("--to, --digit, --script and --switch need --ring.")
    logging.basicConfig(
        stream=sys.stdout,
        format="%(asctime)s %(message)s",
        datefmt="%H:%M:%S",
        level=logging.WARNING if options.quiet else logging.INFO,
    )
    # Blocked in every thread and awaited in this one: a handler might interrupt another thread, and
    # this one would sleep on.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        sandbox = make_sandbox(options)
        sandbox.start()
    except (ValueError, CannotListenError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Airtel CCP sandbox listening on {sandbox.url}", flush=True)
    signal.sigwait(STOP_SIGNALS)
    sandbox.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
