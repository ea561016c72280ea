"""The tutorial's wrapper, in the style of its time: 20 rows made from the columns' names."""

from multicorn import ForeignDataWrapper


class ConstantForeignDataWrapper(ForeignDataWrapper):
    def __init__(self, options, columns):
        super(ConstantForeignDataWrapper, self).__init__(options, columns)
        self.columns = columns

    def execute(self, quals, columns):
        for index in range(20):
            line = {}
            for column_name in self.columns:
                line[column_name] = "%s %s" % (column_name, index)
            yield line
