"""New leads for the demo while somebody looks: through the same door as a website's, every few seconds."""

import time
from collections.abc import Callable

from leadmgmt.core.now import now
from leadmgmt.demo.firms import know
from leadmgmt.demo.visitors import Crowd
from leads.models import Channel, Contact
from leads.services.capture import take_in

PAUSE = (3.0, 14.0)


def live(seed: int, say: Callable[[str], None]) -> None:
    """Keep leads coming until Ctrl-C."""
    crowd = Crowd(seed + Contact.objects.count() + 1)
    doors = {channel.slug: channel for channel in Channel.objects.all()}
    say("New leads keep coming; Ctrl-C ends that.")
    try:
        while True:
            time.sleep(crowd.chance.uniform(*PAUSE))
            visitor = crowd.visitor()
            if Contact.objects.filter(email_key=visitor.email).exists() and crowd.chance.random() < 0.8:
                continue
            know(visitor.firm, now())
            arrival = crowd.arrival(visitor, now())
            take_in(doors[arrival.channel], arrival.payload)
            say(f"  {visitor.first_name} {visitor.last_name}, {visitor.firm.name}: {arrival.ask}")
    except KeyboardInterrupt:
        say("No more.")
