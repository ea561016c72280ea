"""A module that runs SQL while it is imported, for whatever table that is done."""

from asking import Asking

from multicorn import sql
from multicorn.utils import log_to_postgres

try:
    told = sql.execute("SELECT current_user::text AS who")
except RuntimeError as error:
    told = error
log_to_postgres(f"imported: {told}")


class Early(Asking):
    pass
