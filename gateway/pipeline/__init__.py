"""One request's journey, room by room, in order."""
