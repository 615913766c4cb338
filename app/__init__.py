from typing import Final

VERSION: Final = "0.1.0"  # the package's, which an image does not know otherwise
