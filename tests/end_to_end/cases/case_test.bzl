"""Cases as tests."""

def case_test(name, programs = {}, settings = [], tags = [], **kwargs):
    """Runs NAME.py, or the case that `case` names, against the broker.

    Args:
      name: of the test.
      programs: other programs that the case starts: environment variable -> label.
      settings: the case's parameters, each as NAME=VALUE.
      tags: of the test.
      **kwargs: `case`, the case's name if it is another; the rest goes to the test.
    """
    case = kwargs.pop("case", name) + ".py"
    all_programs = dict({"BROKER": "//broker"}, **programs)
    native.sh_test(
        name = name,
        size = "large" if "manual" in tags else "medium",
        srcs = ["run_case.py"],
        args = ["$(rootpath :%s)" % case] +
               ["%s=$(rootpath %s)" % program for program in all_programs.items()] +
               settings,
        data = [
            case,
            ":support",
        ] + all_programs.values(),
        tags = tags,
        **kwargs
    )
