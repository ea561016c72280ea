return  # noqa: F706 - the compiler refuses it; the tools that read this tree do not
