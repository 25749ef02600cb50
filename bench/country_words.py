def words(found):
    return ""
