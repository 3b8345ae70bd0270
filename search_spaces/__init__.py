"""Search spaces: candidates to sample, to move between and to write as text. One space a module; no models here."""
